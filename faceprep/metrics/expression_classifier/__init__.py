"""Fit and apply expression classifiers that share nothing with any generator."""
