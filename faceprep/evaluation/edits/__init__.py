"""Measure what a generator's edits do: agreement, identity, realism, intensity, diversity."""
