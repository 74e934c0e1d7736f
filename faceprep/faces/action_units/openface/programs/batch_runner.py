"""Run OpenFace on batches of images, and isolate those that make it crash or hang.

The programs of OpenFace take seconds to load their models and process images (or sequences) one
after another, so they are run on batches. If one image makes the program crash or hang, the batch
is lost. The output then shows how far the program came: the images before the failure, the failed
one, and the remaining ones are run again separately. Only the output of successful runs is used.
"""

import errno
import os
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faceprep.faces.action_units.openface.csv.file import CsvError, CsvFile
from faceprep.faces.action_units.openface.csv.folder import DETAILS
from faceprep.faces.action_units.openface.csv.row import CsvRow
from faceprep.faces.action_units.openface.programs.process import ProgramEnd, run_program
from faceprep.faces.action_units.openface.programs.program import SEQUENCES, Program

#: Flags that precede the user's own. Landmarks identify the face.
FLAGS = ("-2Dfp", "-pdmparams", "-aus", "-q")

#: Number of initial runs without any output after which the program itself, rather than an image,
#: is considered broken.
_MAX_FAILED_RUNS = 3

#: Rows of a sequence are written in blocks of about this number of frames.
_FRAMES_PER_BLOCK = 10
_FULL_DISK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class BatchItem:
    """Describe the input of one CSV file."""

    # Image, or folder of a sequence. The CSV file has the same name with another suffix.
    path: Path
    pictures: int  # number of images
    title: str  # of the input in messages


#: Rows of an item (an empty list if OpenFace found no face), or the reason of a failure.
Outcome = list[CsvRow] | str


class BatchRunner:
    """Run a program, with flags of the user, on batches.

    `timeout` is the limit for an image in seconds; `folder` is for the output, which is removed
    after each run.
    """

    def __init__(
        self, program: Program, tool: str, flags: str, timeout: float, folder: Path
    ) -> None:
        self._program = program
        self._tool = tool
        self._flags = [*FLAGS, *shlex.split(flags)]
        self._timeout = timeout
        self._folder = folder
        self._works = False
        self._failed_runs = 0

    def run(self, items: Sequence[BatchItem]) -> list[Outcome]:
        """Return the outcome of each item, in order; raise OSError if the disk is full."""
        outcomes: dict[BatchItem, Outcome] = {}
        pending = [list(items)] if items else []
        while pending:
            batch = pending.pop(0)
            if not batch:
                continue
            found, started, ended = self._once(batch)
            done = {item: rows for item, rows in found.items() if isinstance(rows, list)}
            outcomes |= done
            self._works = self._works or bool(done)
            self._failed_runs = 0 if done or started else self._failed_runs + 1
            left = [item for item in batch if item not in done]
            if len(batch) == 1 or (self._failed_runs >= _MAX_FAILED_RUNS and not self._works):
                for item in left:
                    outcomes[item] = self._reason(ended, found.get(item))
            else:
                pending[:0] = self._split(left, started)
        return [outcomes[item] for item in items]

    def _split(self, items: list[BatchItem], started: set[BatchItem]) -> list[list[BatchItem]]:
        """Split the items of a failed run into smaller batches."""
        last = max((k for k, item in enumerate(items) if item in started), default=None)
        # A program that crashes on exit does so after the last image, whichever it is.
        if last is not None and (self._works or last + 1 < len(items)):
            return [items[:last], items[last : last + 1], items[last + 1 :]]
        middle = len(items) // 2 if self._works or started else 1
        return [items[:middle], items[middle:]]

    def _once(
        self, items: Sequence[BatchItem]
    ) -> tuple[dict[BatchItem, Outcome], set[BatchItem], ProgramEnd]:
        """Run the program once; return outcomes of a success, items started, and the end."""
        output = self._folder / "output"
        output.mkdir()  # we own the folder, so files written by root in a container can be removed
        try:
            ended = run_program(
                self._command(items, output),
                output=output,
                seconds=self._timeout * sum(item.pictures for item in items),
                patience=self._timeout * self._frames_per_block(),
                names={str(u.path): u.title for u in items} | {f"{self._folder}{os.sep}": ""},
            )
            written = {entry.name for entry in os.scandir(output)}
            started = {item for item in items if item.path.stem + DETAILS in written}
            found = {} if ended.fault else {item: self._read(item, output) for item in items}
            if ended.fault or any(isinstance(outcome, str) for outcome in found.values()):
                self._check_disk()
            return found, started, ended
        finally:
            shutil.rmtree(output, ignore_errors=True)

    def _command(self, items: Sequence[BatchItem], output: Path) -> list[str]:
        kind = "-fdir" if self._tool == SEQUENCES else "-f"
        inputs = [word for item in items for word in (kind, str(item.path))]
        return self._program.command(
            self._tool, self._folder, [*inputs, "-out_dir", str(output), *self._flags]
        )

    def _frames_per_block(self) -> int:
        return _FRAMES_PER_BLOCK if self._tool == SEQUENCES else 1

    def _read(self, item: BatchItem, output: Path) -> Outcome:
        """Return the rows of an item, or the fault of its file."""
        path = output / f"{item.path.stem}.csv"
        if not path.is_file():
            details = output / f"{item.path.stem}{DETAILS}"
            processed = self._tool != SEQUENCES and details.is_file() and details.stat().st_size > 0
            return [] if processed else "wrote no CSV"
        try:
            file = CsvFile(path)
            rows = file.rows()
        except CsvError as error:
            return f"wrote a CSV that {error.message}"
        if not rows or not file.ends_whole:
            return "wrote a CSV that is cut short"
        return rows

    def _reason(self, ended: ProgramEnd, outcome: Outcome | None) -> str:
        if isinstance(outcome, str):
            ended = ProgramEnd(outcome, ended.message)
        return f"{self._tool} {ended.reason}"

    def _check_disk(self) -> None:
        """Raise an error if the disk is full, since that is no fault of an image."""
        if shutil.disk_usage(self._folder).free < _FULL_DISK_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._folder))
