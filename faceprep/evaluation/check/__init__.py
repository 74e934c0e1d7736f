"""Compare an accuracy table with a committed baseline."""
