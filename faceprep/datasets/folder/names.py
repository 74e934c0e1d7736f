"""Read people, expressions and sequences of files from their names, by scheme or by inference."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from faceprep.config import SelectConfig
from faceprep.core.tree import is_image
from faceprep.datasets.folder.parts import folder_part
from faceprep.datasets.folder.people import Meaning, infer
from faceprep.datasets.folder.tokens import Folders, counted_frames, divide, same_spelling
from faceprep.datasets.lexicon import word_expression
from faceprep.datasets.naming import NO_NAMES, OWN, Scheme, scheme_of
from faceprep.datasets.report import People, Report
from faceprep.datasets.words import note_words, read_words, unknown_words

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
    labelled
        Whether the file names, rather than the folders, tell the expressions.
    """

    subjects: list[str | None]
    expressions: list[str | None]
    sequences: list[str | None]
    frames: list[int | None]
    fits: list[bool]
    labelled: bool = False


def read_names(
    paths: Sequence[str],
    words: Mapping[str, str | None],
    select: SelectConfig,
    report: Report,
    place: str,
    labels: Sequence[str | None] | None = None,
) -> Names:
    """Read the names of files, and say in the report what they were taken for.

    Parameters
    ----------
    paths
        Paths below the root.
    words
        Name of a folder → expression.
    select
        ``naming``, ``pattern`` and ``words``.
    report
        Receives ``people`` and notes.
    place
        Names that may tell the scheme of numbers.
    labels
        Expressions of the files, if a table gives them; otherwise folders and names do.

    Raises
    ------
    UsageError
        If the settings name no scheme, or one that fits no file.
    """
    stems = [path.rpartition(".")[0] if is_image(path) else path for path in paths]
    within = [_folder(stem) for stem in stems]
    divided = {folder: divide(folder, words.get, _is_part) for folder in set(within)}
    folders = [divided[folder] for folder in within]
    expressions = labels if labels and any(labels) else [f.expression for f in folders]
    size = len(paths)
    names = Names([None] * size, list(expressions), [None] * size, [None] * size, [True] * size)
    scheme = scheme_of(stems, select) if stems else None
    if scheme is not None:
        source = _read_scheme(scheme, stems, names, select, report, place)
    elif select.naming == NO_NAMES:
        source = None
    else:
        source = _infer(stems, folders, names, _meaning(select), report)
    names.subjects = same_spelling(names.subjects)
    unknown = sum(s is None and fits for s, fits in zip(names.subjects, names.fits, strict=True))
    report.people = People(source, unknown)
    if source is not None:
        asked = "" if scheme and (select.pattern or select.naming != "auto") else _OVERRULED
        report.note(f"who is shown is read from {source}: {_listed(names.subjects)}{asked}")
    return names


def _meaning(select: SelectConfig) -> Meaning:
    """Return the function that tells the expression of a word; the settings overrule."""
    overruled = {word.casefold(): meaning for word, meaning in select.words.items()}

    def meaning(word: str) -> str | None:
        known = word.casefold()
        return overruled[known] if known in overruled else word_expression(word)

    return meaning


def _read_scheme(
    scheme: Scheme,
    stems: Sequence[str],
    names: Names,
    select: SelectConfig,
    report: Report,
    place: str,
) -> str:
    """Fill in what a scheme tells; return its name for the user."""
    found = [scheme.read(stem) for stem in stems]
    words = Counter(name.expression for name in found if name and name.expression)
    meant = _meant(scheme, words, select, report, place)
    for k, name in enumerate(found):
        if name is None:
            names.fits[k] = False
            continue
        names.subjects[k], names.sequences[k], names.frames[k] = (
            name.subject, name.sequence, name.frame,
        )  # fmt: skip
        expression, given = meant.get(name.expression or ""), names.expressions[k]
        if given and expression and given != expression:
            text = "the folder or table and the name say different expressions: unlabelled"
            report.note(text, stems[k])
            names.expressions[k] = None
        else:
            names.expressions[k] = given or expression
    names.labelled = any(meant.values())
    return scheme.title if scheme.name == OWN else f"the file names, as in {scheme.title}"


def _meant(
    scheme: Scheme, words: Counter[str], select: SelectConfig, report: Report, place: str
) -> Mapping[str, str | None]:
    """Return the expression of each word or code in the names.

    Raises
    ------
    UsageError
        If the words of a user's pattern are unknown.
    """
    if scheme.name != OWN:
        meaning = _meaning(select)
        return {word: meaning(word) or scheme.codes.get(word.casefold()) or None for word in words}
    reading, what = read_words(words, select, place), "{expression} of select.pattern"
    if words and not reading.known:
        raise unknown_words(reading, what)
    note_words(reading, select, report, what)
    return reading.expressions


def _infer(
    stems: Sequence[str],
    folders: Sequence[Folders],
    names: Names,
    meaning: Meaning,
    report: Report,
) -> str | None:
    """Fill in what folders and names tell without a scheme; return what tells the people."""
    files = [stem.rpartition("/")[2] for stem in stems]
    found = infer(files, folders, names.expressions, meaning)
    if found.expressions:
        report.note(
            "expressions are read from the file names; is this right? select.pattern describes them"
        )
        pairs = zip(names.expressions, found.expressions, strict=True)
        names.expressions = [one or other for one, other in pairs]
        names.labelled = True
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


def _is_part(name: str) -> bool:
    return folder_part(name) is not None


def _folder(stem: str) -> str:
    return stem.rpartition("/")[0]


def _listed(values: Iterable[str | None]) -> str:
    """Count and list the first few different values."""
    names = sorted({value for value in values if value})
    some = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    return f"{len(names)} people ({some})" if len(names) != 1 else f"1 person ({some})"
