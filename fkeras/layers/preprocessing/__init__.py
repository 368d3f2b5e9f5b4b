"""What stands before a network: strings, tables, images, audio."""
