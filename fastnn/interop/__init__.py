"""Models of other libraries as networks, and networks as theirs."""
