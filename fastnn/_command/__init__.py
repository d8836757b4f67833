"""What the verbs of the command line do: train, predict, info, export."""
