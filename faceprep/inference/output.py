"""Where the pictures that a verb makes go."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faceprep.core.errors import UsageError
from faceprep.report.sheets.grid import check_png


@dataclass(frozen=True)
class Made:
    """Pictures that were written.

    Attributes
    ----------
    paths
        In the order of the faces, or one sheet.
    data
        JSON-ready facts.
    lines, notes
        What to print beside the paths, and what a user should know.
    """

    paths: list[Path]
    data: dict[str, Any]
    lines: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def picture_paths(out: Path | None, names: Sequence[str]) -> list[Path]:
    """Paths of pictures, each with its own name.

    Parameters
    ----------
    out
        For one picture a ``.png``; a folder for any number; the current folder without.
    names
        Without ending; those that are given twice get a number.

    Raises
    ------
    UsageError
        `out` is a file and there are several pictures, or it is no PNG.
    """
    if out is not None and not out.is_dir() and out.suffix:
        check_png(out, "-o", "a picture")
        if len(names) > 1:
            raise UsageError(
                f"{len(names)} pictures do not go into one file {out}", f"-o {out.stem}/"
            )
        return [out]
    folder = out or Path()
    taken: dict[str, int] = {}
    paths = []
    for name in names:
        taken[name] = taken.get(name, 0) + 1
        more = f"-{taken[name]}" if taken[name] > 1 else ""
        paths.append(folder / f"{name}{more}.png")
    return paths


def sheet_path(out: Path | None, name: str) -> Path:
    """Path of a sheet: as given, or of this name in the folder that is given.

    Raises
    ------
    UsageError
        It is no PNG.
    """
    if out is None or out.is_dir():
        return (out or Path()) / name
    check_png(out, "-o")
    return out


def keep_sources(paths: Iterable[Path], sources: Iterable[str]) -> None:
    """Refuse to write over a photograph that is read.

    Raises
    ------
    UsageError
        Naming it.
    """
    read = {Path(source).resolve() for source in sources}
    for path in paths:
        if path.resolve() in read:
            raise UsageError(
                f"{path} is the photograph itself, it would be lost", "choose another name with -o"
            )
