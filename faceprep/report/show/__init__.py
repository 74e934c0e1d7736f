"""``faceprep show``: pages of workspaces, stages, results and manifests."""
