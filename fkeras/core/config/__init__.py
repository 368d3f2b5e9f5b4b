"""Names for objects, and configs that a file can carry."""
