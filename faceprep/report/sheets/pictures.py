"""Paths of the pictures of generated faces, and the output about them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faceprep.core.errors import Hint, UsageError
from faceprep.report.sheets.grid import check_png


@dataclass(frozen=True)
class Written:
    """Pictures that were written.

    Attributes
    ----------
    paths
        One file per face in their order, or one sheet.
    data
        JSON-ready facts.
    lines, notes
        Lines to print before the paths, and remarks for the user.
    """

    paths: list[Path]
    data: dict[str, Any]
    lines: list[str] = field(default_factory=list)
    notes: list[Hint] = field(default_factory=list)


def picture_paths(out: Path | None, names: Sequence[str], sources: Iterable[str]) -> list[Path]:
    """Choose the path of each picture.

    Parameters
    ----------
    out
        A ``.png`` for one picture, a folder for any number; None for the current folder.
    names
        Stems; a repeated stem gets a number.
    sources
        Input photographs, which are not overwritten.

    Raises
    ------
    UsageError
        `out` is one file for several pictures, not a PNG, or a source.
    """
    if out is not None and not out.is_dir() and out.suffix:
        check_png(out, "-o", "a picture")
        if len(names) > 1:
            raise UsageError(
                f"{len(names)} pictures do not go into one file {out}", f"-o {out.stem}/"
            )
        paths = [out]
    else:
        taken: dict[str, int] = {}
        paths = []
        for name in names:
            taken[name] = taken.get(name, 0) + 1
            more = f"-{taken[name]}" if taken[name] > 1 else ""
            paths.append((out or Path()) / f"{name}{more}.png")
    _keep_sources(paths, sources)
    return paths


def sheet_path(out: Path | None, name: str, sources: Iterable[str] = ()) -> Path:
    """Choose the path of a sheet: the file `out`, or a file of this name in the folder `out`.

    Raises
    ------
    UsageError
        It is not a PNG, or is one of the input photographs.
    """
    if out is None or out.is_dir():
        path = (out or Path()) / name
    else:
        check_png(out, "-o")
        path = out
    _keep_sources([path], sources)
    return path


def _keep_sources(paths: Iterable[Path], sources: Iterable[str]) -> None:
    read = {Path(source).resolve() for source in sources}
    for path in paths:
        if path.resolve() in read:
            raise UsageError(
                f"{path} is the photograph itself, it would be lost", "choose another name with -o"
            )
