"""Run OpenFace's AU predictors in Python from the user's model files."""
