"""``faceprep status``: shards that are done, running, queued and failed."""
