"""Run OpenFace's own programs."""
