"""Find the image of each row of a table, and rows that list one image twice."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from faceprep.core.errors import Again, UsageError
from faceprep.datasets.folder.columns import VECTORS, Columns
from faceprep.datasets.folder.locator import OUTSIDE, Locator
from faceprep.datasets.folder.spelling import Respeller
from faceprep.datasets.report import EXAMPLES, Report

_MISSING = "image that is not there"
#: Columns that must agree between rows of one image.
_AGREEING = ("subject", "sequence", "frame", "split", "fold", "role")
_LISTED = 20


def locate_images(
    columns: Columns, root: Path, table: Path, max_missing: float, report: Report
) -> tuple[Columns, list[str]]:
    """Return the rows whose images are below the root, and the paths of these images.

    Names that are not there are retried with case and Unicode folded, with another ending, and
    without leading folders.

    Parameters
    ----------
    max_missing
        Share of images that may be missing; their rows are kept.

    Raises
    ------
    UsageError
        If more images are missing.
    """
    names = columns.table.column("image").to_pylist()
    locate = Locator(root, table.parent)
    found = [locate(name) if name else OUTSIDE for name in names]
    missing = [name for name, path in zip(names, found, strict=True) if path is None]
    if missing:
        respelled = _respelled(locate, root, missing, found, report)
        for k, name in enumerate(names):
            if found[k] is None and name in respelled:
                found[k] = respelled[name]
        missing = [name for name, path in zip(names, found, strict=True) if path is None]
    listed = len(names) - names.count(None)
    if len(missing) > max_missing * listed:
        raise _too_many_missing(table, missing, listed, locate)
    paths = [path for path in found if path is not None and path != OUTSIDE]
    if len(paths) == len(names):
        return columns, paths
    keep, paths = [], []
    for k, (name, path) in enumerate(zip(names, found, strict=True)):
        if path is None:  # The row is kept; align reports the missing file.
            path = locate.below_root(locate.usual, name)
            report.note(f"{_MISSING} (the row is kept)", name)
        if not name:
            report.leave_out(f"row of {table.name} without an image", f"row {k + 1}")
        elif path is None or path == OUTSIDE:
            report.leave_out(OUTSIDE, name)
        else:
            keep.append(k)
            paths.append(path)
    return columns.take(keep), paths


def distinct_rows(
    columns: Columns, paths: Sequence[str], expressions: Sequence[str | None], report: Report
) -> list[int]:
    """Return the rows that count: one of equal rows of an image, none of contradictory ones.

    Rows of one image with different boxes or landmarks are different faces.
    """
    if len(set(paths)) == len(paths):
        return list(range(len(paths)))
    counts = Counter(paths)
    groups: dict[tuple[str, ...], list[int]] = {}
    faces = [name for name in VECTORS if name in columns.table.column_names]
    twice = [k for k, path in enumerate(paths) if counts[path] > 1]
    some = columns.take(twice).table.to_pylist()
    for k, row in zip(twice, some, strict=True):
        face = (paths[k], *(str(row[name]) for name in faces))
        groups.setdefault(face, []).append(k)
    values = dict(zip(twice, some, strict=True))
    left_out: set[int] = set()
    conflicts: dict[str, list[str]] = {}
    for (path, *_), rows in groups.items():
        said: dict[str, list[str]] = {
            "expression": [e for k in rows if (e := expressions[k]) is not None]
        }
        for name in _AGREEING:
            said[name] = [text.strip() for k in rows if (text := values[k].get(name))]
        differing = next((name for name, texts in said.items() if len(set(texts)) > 1), None)
        if differing is not None:
            left_out.update(rows)
            words = ", ".join(dict.fromkeys(said[differing]))
            conflicts.setdefault(differing, []).append(f"{path}: {words}")
            continue
        best = next((k for k in rows if expressions[k] is not None), rows[0])
        left_out.update(set(rows) - {best})
        for _ in rows[1:]:
            report.leave_out("row that repeats another", path)
    for name, examples in conflicts.items():
        _note_conflicts(name, examples, report)
    return [k for k in range(len(paths)) if k not in left_out]


def _note_conflicts(name: str, examples: Sequence[str], report: Report) -> None:
    reason = f"image listed with several values of {name}: none is taken"
    for example in examples:
        report.leave_out(reason, example)
    if len(examples) > EXAMPLES:
        more = f" and {len(examples) - _LISTED} more" if len(examples) > _LISTED else ""
        report.note(f"several values of {name}: {'; '.join(examples[:_LISTED])}{more}")


def _respelled(
    locate: Locator, root: Path, missing: Sequence[str], found: Sequence[str | None], report: Report
) -> dict[str, str]:
    """Return name → path of missing images that the disk has in another spelling; note them."""
    finder = Respeller(root, locate.bases_below_root(), filter(None, found))
    respelled = finder.find(missing)
    for name, (path, kind) in respelled.items():
        report.note(f"image found although {kind} of its path differ{_s(kind)}", f"{name} → {path}")
    return {name: path for name, (path, _) in respelled.items()}


def _s(kind: str) -> str:
    return "s" if kind.startswith("the ending") else ""


def _too_many_missing(
    table: Path, missing: Sequence[str], listed: int, locate: Locator
) -> UsageError:
    some = "none" if len(missing) == listed else f"{len(missing)}"
    what = (
        f"none of its {listed} images is there"
        if some == "none"
        else (f"{some} of its {listed} images are not there")
    )
    where = ", ".join(str(base) for base in locate.bases)
    examples = ", ".join(missing[:EXAMPLES])
    return UsageError(
        f"{table}: {what}; looked below {where}, also with other case, accents and endings; "
        f"not found: {examples}",
        (
            "image paths are relative to the table, to the root, or to images/",
            Again({"select.max_missing": 1}, note="keeps rows without an image"),
        ),
    )
