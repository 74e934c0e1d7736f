"""Apply a trained generator to photographs: edit, transfer, new faces, retrieve."""
