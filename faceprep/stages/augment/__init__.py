"""Synthesize balanced faces with a trained generator."""
