"""Between Python and the kernels: their build, and how networks and data lie in memory for them."""
