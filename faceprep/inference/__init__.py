"""Applications of a trained generator: edit, transfer, new faces, retrieve."""
