"""A workspace on disk: its manifests, shards, markers and trained files."""

from faceprep.workspace.marker import Marker
from faceprep.workspace.workspace import Workspace

__all__ = ["Marker", "Workspace"]
