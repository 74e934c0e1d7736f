"""Detect faces and landmarks with dlib's models."""
