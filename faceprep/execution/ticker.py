"""Progress of the shards that workers are making."""

import threading
import time

from faceprep.core.progress import Progress
from faceprep.workspace import Workspace
from faceprep.workspace.in_hand import rows_in_hand

_TICK_SECONDS = 0.5


class Ticker:
    """Thread that updates the progress display from counts written by workers.

    Attributes
    ----------
    done
        Number of rows of the ended shards.
    """

    def __init__(
        self, progress: Progress, workspace: Workspace, stage: str, in_hand: set[int]
    ) -> None:
        self.done = 0
        self._note = ""
        self._stop = threading.Event()

        def tick() -> None:
            pause = _TICK_SECONDS
            while not self._stop.wait(pause):
                began = time.monotonic()
                done = self.done + rows_in_hand(workspace, stage, set(in_hand))
                # Reading the counts lists every shard: with many shards, or a slow disk, update
                # less often.
                pause = max(_TICK_SECONDS, 20 * (time.monotonic() - began))
                progress.update(done, below=self._note)

        self._thread = threading.Thread(target=tick, daemon=True)

    def note(self, words: str) -> None:
        """Show lines below the progress."""
        self._note = words

    def __enter__(self) -> "Ticker":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
