"""Run a stage over its shards, locally or on a cluster."""
