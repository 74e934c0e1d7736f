"""Measures of faces, edits and classifiers; each takes arrays and returns numbers."""
