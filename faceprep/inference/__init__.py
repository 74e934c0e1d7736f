"""What a trained generator is good for, on any photograph: edit, transfer, new faces, retrieve."""
