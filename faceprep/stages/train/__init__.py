"""Train a generator on the aligned faces of a workspace."""
