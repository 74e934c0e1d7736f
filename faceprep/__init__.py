"""Facial-expression datasets, from photographs on disk to an accuracy table."""

__version__ = "0.1.0"
