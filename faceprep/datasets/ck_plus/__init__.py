"""Read CK+."""
