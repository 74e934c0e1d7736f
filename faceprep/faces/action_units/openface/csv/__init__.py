"""Read CSV files that OpenFace wrote."""
