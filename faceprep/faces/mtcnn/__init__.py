"""Detect faces with MTCNN."""
