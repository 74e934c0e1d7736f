"""Running OpenFace on many pictures at once, and finding those that it dies of.

OpenFace's programs take seconds to load their models and handle one picture (or one sequence) after
another, so they get many at once. When one of them makes the program crash or hang, all are lost.
What it wrote then tells how far it came: the pictures before are done again without the culprit,
the culprit alone, the others after it. Only what a run that ended well has written counts.
"""

import errno
import os
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faceprep.faces.action_units.openface.csv.file import CsvError, CsvFile, CsvRow
from faceprep.faces.action_units.openface.csv.folder import DETAILS
from faceprep.faces.action_units.openface.programs.process import Ended, run_tool
from faceprep.faces.action_units.openface.programs.program import SEQUENCES, Program

#: What is asked for besides the user's own flags: landmarks tell faces apart.
FLAGS = ("-2Dfp", "-pdmparams", "-aus", "-q")

#: So many runs in a row without any output, before the first one with some, and the program itself
#: is broken, not a picture.
_HOPELESS_RUNS = 3

#: A sequence's rows are written in blocks of some frames.
_FRAMES_WITHOUT_SIGN = 10
_FULL_DISK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Unit:
    """What one CSV file will be about.

    Attributes
    ----------
    path
        A picture, or the folder of a sequence; its name without ending is that of the CSV file.
    pictures
        How many pictures that are.
    title
        What the user calls it.
    """

    path: Path
    pictures: int
    title: str


#: Rows of a unit, none where OpenFace saw no face; or why there are none.
Outcome = list[CsvRow] | str


class ToolRunner:
    """Runs one of the programs on units.

    Parameters
    ----------
    program, tool
        What to run.
    flags
        More words for its command line.
    timeout
        Seconds a picture may take.
    folder
        For its output, which is removed after each run.
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
        self._fruitless = 0

    def run(self, units: Sequence[Unit]) -> list[Outcome]:
        """Return the outcome of every unit, in order.

        Raises
        ------
        OSError
            When the disk is full.
        """
        outcomes: dict[Unit, Outcome] = {}
        pending = [list(units)] if units else []
        while pending:
            batch = pending.pop(0)
            if not batch:
                continue
            found, started, ended = self._once(batch)
            done = {unit: rows for unit, rows in found.items() if isinstance(rows, list)}
            outcomes |= done
            self._works = self._works or bool(done)
            self._fruitless = 0 if done or started else self._fruitless + 1
            left = [unit for unit in batch if unit not in done]
            if len(batch) == 1 or (self._fruitless >= _HOPELESS_RUNS and not self._works):
                for unit in left:
                    outcomes[unit] = self._reason(ended, found.get(unit))
            else:
                pending[:0] = self._split(left, started)
        return [outcomes[unit] for unit in units]

    def _split(self, units: list[Unit], started: set[Unit]) -> list[list[Unit]]:
        """Cut units that a run did not finish into parts that may do better."""
        last = max((k for k, unit in enumerate(units) if unit in started), default=None)
        # A program that dies at its end does so after the last picture, whichever that is.
        if last is not None and (self._works or last + 1 < len(units)):
            return [units[:last], units[last : last + 1], units[last + 1 :]]
        middle = len(units) // 2 if self._works or started else 1
        return [units[:middle], units[middle:]]

    def _once(self, units: Sequence[Unit]) -> tuple[dict[Unit, Outcome], set[Unit], Ended]:
        """Run the program once: outcomes if it ended well, what it has begun, how it ended."""
        output = self._folder / "output"
        output.mkdir()  # by us: what a container's root leaves in our folder can be removed
        try:
            ended = run_tool(
                self._command(units, output),
                output=output,
                seconds=self._timeout * sum(unit.pictures for unit in units),
                patience=self._timeout * self._frames_without_sign(),
                names={str(u.path): u.title for u in units} | {f"{self._folder}{os.sep}": ""},
            )
            written = {entry.name for entry in os.scandir(output)}
            started = {unit for unit in units if unit.path.stem + DETAILS in written}
            found = {} if ended.fault else {unit: self._read(unit, output) for unit in units}
            if ended.fault or any(isinstance(outcome, str) for outcome in found.values()):
                self._check_disk()
            return found, started, ended
        finally:
            shutil.rmtree(output, ignore_errors=True)

    def _command(self, units: Sequence[Unit], output: Path) -> list[str]:
        kind = "-fdir" if self._tool == SEQUENCES else "-f"
        inputs = [word for unit in units for word in (kind, str(unit.path))]
        return self._program.command(
            self._tool, self._folder, [*inputs, "-out_dir", str(output), *self._flags]
        )

    def _frames_without_sign(self) -> int:
        return _FRAMES_WITHOUT_SIGN if self._tool == SEQUENCES else 1

    def _read(self, unit: Unit, output: Path) -> Outcome:
        """Rows of a unit, or what is wrong with its file."""
        path = output / f"{unit.path.stem}.csv"
        if not path.is_file():
            details = output / f"{unit.path.stem}{DETAILS}"
            saw = self._tool != SEQUENCES and details.is_file() and details.stat().st_size > 0
            return [] if saw else "wrote no CSV"
        try:
            file = CsvFile(path)
            rows = file.rows()
        except CsvError as error:
            return f"wrote a CSV that {error.message}"
        if not rows or not file.ends_whole:
            return "wrote a CSV that is cut short"
        return rows

    def _reason(self, ended: Ended, outcome: Outcome | None) -> str:
        if isinstance(outcome, str):
            ended = Ended(outcome, ended.words)
        return f"{self._tool} {ended.reason}"

    def _check_disk(self) -> None:
        """Tell a full disk, of which nobody's pictures are to blame."""
        if shutil.disk_usage(self._folder).free < _FULL_DISK_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._folder))
