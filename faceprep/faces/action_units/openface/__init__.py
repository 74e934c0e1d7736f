"""Estimate Action Units with OpenFace 2: its programs, its CSV files, or its models in Python.

The models are under the academic licence of OpenFace and are read from the user's copy; this
package contains no part of OpenFace.
"""
