"""How layers keep a large weight in few bits, and multiply by it."""
