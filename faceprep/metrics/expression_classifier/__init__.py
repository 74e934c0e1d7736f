"""Expression classifiers that are independent of the generators."""
