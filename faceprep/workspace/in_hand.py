"""Shards in progress, and leftovers of killed processes."""

import contextlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from faceprep.core.processes import PENDING, here, is_abandoned
from faceprep.workspace.workspace import Workspace, matching_entries

_POLL_SECONDS = 0.2
_TEMPORARY = re.compile(r".+\.tmp")


def remove_abandoned(workspace: Workspace, stage: str) -> None:
    """Remove the temporary files and folders of killed processes."""
    for _, entry in list(workspace.entries(stage, _TEMPORARY)):
        if is_abandoned(entry):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                Path(entry.path).unlink(missing_ok=True)


def wait_for_others(workspace: Workspace, stage: str, shard: int) -> bool:
    """Wait until no other process of this host is working on the shard.

    Returns
    -------
    Whether there was one, so that the shard may be done now.
    """
    waited = False
    while any(_others_work(workspace, stage, shard)):
        waited = True
        time.sleep(_POLL_SECONDS)
    return waited


def _others_work(workspace: Workspace, stage: str, shard: int) -> Iterator[bool]:
    place, me = here(), str(os.getpid())
    for match, entry in matching_entries(workspace.home(stage, shard), PENDING):
        if int(match["shard"]) == shard and match["host"] == place and match["pid"] != me:
            yield not is_abandoned(entry)


def shards_in_hand(workspace: Workspace, stage: str, *, by_age: bool = True) -> set[int]:
    """Return the shards in progress.

    Parameters
    ----------
    by_age
        Include shards of other hosts, whose state is estimated by age.
    """
    found = workspace.entries(stage, PENDING)
    known = ((match, entry) for match, entry in found if by_age or match["host"] == here())
    return {int(match["shard"]) for match, entry in known if not is_abandoned(entry)}


def rows_in_hand(workspace: Workspace, stage: str, shards: set[int]) -> int:
    """Count the rows done so far in uncommitted shards."""
    total = 0
    for match, entry in workspace.entries(stage, PENDING):
        if int(match["shard"]) in shards:
            with contextlib.suppress(OSError, ValueError):
                total += int(Path(entry.path, "progress").read_text())
    return total
