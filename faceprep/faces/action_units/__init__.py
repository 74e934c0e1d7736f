"""Estimate Action Units of aligned faces."""
