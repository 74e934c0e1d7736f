"""Measure edits of a generator: agreement, identity, realism, intensity, diversity."""
