"""Independent expression classifiers that judge generated faces."""
