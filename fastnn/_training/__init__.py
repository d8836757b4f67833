"""What ``Network.train`` and its relatives run: the loop, and what goes on from call to call."""
