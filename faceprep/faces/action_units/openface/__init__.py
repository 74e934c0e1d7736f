"""OpenFace 2's Action Units: its programs, its CSV files, and its models run in Python.

The models belong to OpenFace (academic licence) and are read from the user's own copy; nothing of
OpenFace is part of this package.
"""
