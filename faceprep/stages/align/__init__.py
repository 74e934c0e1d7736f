"""Align faces: photograph in, landmarks and a crop out."""
