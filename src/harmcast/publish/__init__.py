"""What leaves, and who let it."""
