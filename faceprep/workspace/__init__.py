"""A workspace on disk: its manifests, shards, markers and trained files."""

from faceprep.workspace.workspace import Marker, PendingShard, Workspace

__all__ = ["Marker", "PendingShard", "Workspace"]
