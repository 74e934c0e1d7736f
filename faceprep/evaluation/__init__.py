"""Evaluate Action Units, edits, codes and accuracy tables; compute only, draw nothing."""
