"""What stands before a network."""
