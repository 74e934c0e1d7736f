"""Select frames, subjects, expressions, roles and splits of a dataset."""
