"""Read people, expressions and sequences of files from their names, by scheme or by inference."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from faceprep.config import SelectConfig
from faceprep.core.tree import is_image
from faceprep.core.vocabulary import expression_of
from faceprep.datasets.folder.people import Folders, counted_frames, divide, infer, same_spelling
from faceprep.datasets.naming import NO_NAMES, OWN, Scheme, scheme_of
from faceprep.datasets.report import People, Report

_SHOWN = 3
_OVERRULED = (
    "; is this right? select.naming=none takes every picture alone, select.pattern describes names"
)


@dataclass
class Names:
    """Hold what names tell, a value per file; ``None`` is unknown.

    Attributes
    ----------
    subjects, expressions, sequences, frames
        Columns of `FrameRow`.
    fits
        Whether a file is named as the scheme demands.
    """

    subjects: list[str | None]
    expressions: list[str | None]
    sequences: list[str | None]
    frames: list[int | None]
    fits: list[bool]


def read_names(
    paths: Sequence[str],
    select: SelectConfig,
    report: Report,
    is_part: Callable[[str], bool],
    labels: Sequence[str | None] | None = None,
) -> Names:
    """Read the names of files, and say in the report what they were taken for.

    Parameters
    ----------
    paths
        Paths below the root.
    select
        ``naming`` and ``pattern``.
    report
        Receives ``people`` and notes.
    is_part
        Tells whether a folder's name is a part of a split.
    labels
        Expressions of the files, if a table gives them; otherwise folders and names do.

    Raises
    ------
    UsageError
        If the settings name no scheme, or one that fits no file.
    """
    stems = [os.path.splitext(path)[0] if is_image(path) else path for path in paths]  # noqa: PTH122
    places = [_folder(stem) for stem in stems]
    divided = {place: divide(place, expression_of, is_part) for place in set(places)}
    folders = [divided[place] for place in places]
    expressions = labels or [folder.expression for folder in folders]
    size = len(paths)
    names = Names([None] * size, list(expressions), [None] * size, [None] * size, [True] * size)
    scheme = scheme_of(stems, select) if stems else None
    if scheme is not None:
        source = _read_scheme(scheme, stems, names, select, report)
    elif select.naming == NO_NAMES:
        source = None
    else:
        source = _infer(stems, folders, names, report)
    names.subjects = same_spelling(names.subjects)
    unknown = sum(s is None and fits for s, fits in zip(names.subjects, names.fits, strict=True))
    report.people = People(source, unknown)
    if source is not None:
        asked = "" if scheme and (select.pattern or select.naming != "auto") else _OVERRULED
        report.note(f"who is shown is read from {source}: {_listed(names.subjects)}{asked}")
    return names


def _read_scheme(
    scheme: Scheme, stems: Sequence[str], names: Names, select: SelectConfig, report: Report
) -> str:
    """Fill in what a scheme tells; return its name for the user."""
    for k, stem in enumerate(stems):
        name = scheme.read(stem)
        if name is None:
            names.fits[k] = False
            continue
        names.subjects[k], names.sequences[k], names.frames[k] = name.subject, *name[2:]
        if name.expression is None:
            continue
        expression = scheme.codes.get(name.expression.casefold()) or expression_of(name.expression)
        given = names.expressions[k]
        if given and expression and given != expression:
            text = "the folder or table and the name say different expressions: unlabelled"
            report.note(text, stem)
            names.expressions[k] = None
        else:
            names.expressions[k] = given or expression
    return scheme.title if scheme.name == OWN else f"the file names, as in {scheme.title}"


def _infer(
    stems: Sequence[str], folders: Sequence[Folders], names: Names, report: Report
) -> str | None:
    """Fill in what folders and names tell without a scheme; return what tells the people."""
    files = [stem.rpartition("/")[2] for stem in stems]
    found = infer(files, folders, names.expressions, expression_of)
    if found.expressions:
        report.note(
            "expressions are read from the file names; is this right? select.pattern describes them"
        )
        pairs = zip(names.expressions, found.expressions, strict=True)
        names.expressions = [one or other for one, other in pairs]
    if found.doubtful:
        some = " or ".join(_listed(level.values) for level in found.doubtful)
        report.note(f"nobody is known: people may be {some}; select.pattern says which")
    if found.people is None:
        return None
    names.subjects = list(found.people.values)
    if not found.people.in_names:
        _find_sequences(stems, folders, names)
    return found.people.text


def _find_sequences(stems: Sequence[str], folders: Sequence[Folders], names: Names) -> None:
    """Take the files of a folder that only a number tells apart as the frames of a sequence."""
    members = defaultdict(list)
    for k, stem in enumerate(stems):
        if names.subjects[k] is not None and folders[k].expression is not None:
            members[_folder(stem)].append(k)
    for files in members.values():
        frames = counted_frames([stems[k].rpartition("/")[2] for k in files])
        if frames is None or len(files) < 2:
            continue
        levels = [name for name in folders[files[0]].levels if name != names.subjects[files[0]]]
        for k, frame in zip(files, frames, strict=True):
            names.sequences[k], names.frames[k] = "/".join(levels), frame


def _folder(stem: str) -> str:
    return stem.rpartition("/")[0]


def _listed(values: Iterable[str | None]) -> str:
    """Count and list the first few different values."""
    names = sorted({value for value in values if value})
    some = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    return f"{len(names)} people ({some})" if len(names) != 1 else f"1 person ({some})"
