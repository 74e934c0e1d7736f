"""The words of manifests: expressions, roles, splits, statuses, modes, generators, Action Units."""

import difflib
from collections.abc import Iterable
from typing import Literal, get_args

from faceprep.core.errors import Again, Hint

#: An expression as settings and manifests name it.
Expression = Literal[
    "anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"
]

EXPRESSIONS: tuple[str, ...] = get_args(Expression)

#: Other names that folders and tables give the expressions.
EXPRESSION_SYNONYMS = {
    "angry": "anger",
    "contemptuous": "contempt",
    "disgusted": "disgust",
    "fearful": "fear",
    "afraid": "fear",
    "scared": "fear",
    "happy": "happiness",
    "joy": "happiness",
    "joyful": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
}

#: Role of a frame in its sequence; ``still`` is an image without a sequence.
ROLES = ("neutral", "peak", "still")

SPLITS = ("train", "val", "test")

#: Result of a stage for one face.
STATUSES = (
    "ok",
    "unreadable",
    "no_face",
    "low_confidence",
    "landmarks_failed",
    "au_failed",
    "doubtful",
    "skipped",
)

#: Origin of a synthetic face: a new identity, a training face, or a face of another workspace.
MODES = ("new", "edit", "other")

#: Datasets that have a reader, in the order of the documentation.
Dataset = Literal["oulu-casia", "ck-plus", "celeba", "folder", "table"]

#: Datasets whose folder layout the drawn demo has.
Layout = Literal["oulu-casia", "ck-plus", "celeba"]

#: Stages in the order in which they run.
STAGES = ("select", "align", "heatmaps", "aus")

#: What runs the workers, and what computes.
EngineKind = Literal["local", "slurm", "dask"]
DeviceKind = Literal["auto", "cpu", "cuda"]

#: Detectors of faces in photographs, and the detector that reads annotations.
DetectorName = Literal["mtcnn", "dlib", "given"]

#: Other words for a choice.
_SYNONYMS = {"gpu": "cuda", "nvidia": "cuda", "lr": "learning_rate", **EXPRESSION_SYNONYMS}

#: Kind of the generator that is trained and used unless a setting names another.
DEFAULT_GENERATOR = "exprgan"


def expression_of(word: str) -> str | None:
    """Return the expression that a folder or a table names, in any case; None if it names none."""
    word = word.strip().casefold()
    if word in EXPRESSIONS:
        return word
    return EXPRESSION_SYNONYMS.get(word)


def plural(count: int, noun: str) -> str:
    """Format a count with its noun: ``1 face``, ``2,000 faces``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def meant(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that another spelling means, e.g. ``CK+`` or ``Oulu_CASIA``.

    Case and separators do not matter, ``+`` is plus, a beginning is enough (``oulu``), and a part
    after the known word is ignored (``CK+48``). None if no known word, or more than one, is meant.
    """
    key, plain = _plain(word), {_plain(name): name for name in known}
    if key in plain:
        return plain[key]
    long = len(key) > 1
    found = [
        name
        for text, name in plain.items()
        if long and (text.startswith(key) or (len(text) > 2 and key.startswith(text)))
    ]
    return found[0] if len(found) == 1 else None


def _plain(word: str) -> str:
    text = word.casefold().replace("+", "plus")
    return "".join(letter for letter in text if letter.isalnum())


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Find the known word with the same meaning (``happy``) or a similar spelling.

    Parameters
    ----------
    cutoff
        Smallest similarity in spelling, 0 to 1 (`difflib.get_close_matches`). A word with another
        first letter must be still more similar.

    Returns
    -------
    None if no word is similar enough.
    """
    words = list(known)
    synonym = _SYNONYMS.get(word.strip().casefold())
    exact = synonym if synonym in words else meant(word, words)
    if exact is not None:
        return exact
    key, folded = word.casefold(), {name.casefold(): name for name in words}
    close = difflib.get_close_matches(key, folded, n=5, cutoff=cutoff)
    alike = (one for one in close if one[:1] == key[:1] or _share(key, one) >= _ALIKE)
    return next((folded[one] for one in alike), None)


_ALIKE = 0.8  # similarity of words with different first letters


def _share(word: str, other: str) -> float:
    return difflib.SequenceMatcher(None, word, other).ratio()


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Ask whether the `nearest` known word was meant; None if no word is similar enough."""
    near = nearest(word, known, cutoff)
    return None if near is None else f"did you mean {near}?"


def choice_hint(name: str, word: str, known: Iterable[str]) -> Hint:
    """Return the command with the `nearest` choice of a flag or setting, else all choices."""
    choices = list(known)
    near = nearest(word, choices)
    if near is None:
        return f"one of: {', '.join(choices)}"
    return Again({name: near}, note=f"did you mean {near}?")


#: Movement of each Action Unit (AU) by its name in OpenFace 2 (Ekman, Friesen and Hager, Facial
#: Action Coding System, 2002).
AU_DESCRIPTIONS: dict[str, str] = {
    "AU01": "inner brow raiser",
    "AU02": "outer brow raiser",
    "AU04": "brow lowerer",
    "AU05": "upper lid raiser",
    "AU06": "cheek raiser",
    "AU07": "lid tightener",
    "AU09": "nose wrinkler",
    "AU10": "upper lip raiser",
    "AU12": "lip corner puller",
    "AU14": "dimpler",
    "AU15": "lip corner depressor",
    "AU17": "chin raiser",
    "AU20": "lip stretcher",
    "AU23": "lip tightener",
    "AU25": "lips part",
    "AU26": "jaw drop",
    "AU28": "lip suck",
    "AU45": "blink",
}

#: The 18 AUs with a presence, in OpenFace's order.
PRESENCE_AUS: tuple[str, ...] = tuple(AU_DESCRIPTIONS)

#: The 17 AUs with an intensity, 0 (absent) to 5 (maximal), in OpenFace's order: all but AU28.
INTENSITY_AUS: tuple[str, ...] = tuple(au for au in PRESENCE_AUS if au != "AU28")

#: Manifest columns of the intensities, float32, 0–5.
COLUMNS_R: tuple[str, ...] = tuple(f"{name}_r" for name in INTENSITY_AUS)

#: Manifest columns of the presences, bool.
COLUMNS_C: tuple[str, ...] = tuple(f"{name}_c" for name in PRESENCE_AUS)
