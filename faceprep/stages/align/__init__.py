"""Align the face of each photograph, and crop it."""
