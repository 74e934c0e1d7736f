"""Measures of faces, edits and classifiers, from arrays to numbers."""
