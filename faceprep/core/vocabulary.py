"""The words of manifests: expressions, roles, splits, statuses, modes and generators.

Names of Action Units are in `faceprep.core.action_units`.
"""

from typing import Literal, get_args

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
    "happy": "happiness",
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

#: Kind of the generator that is trained and used unless a setting names another.
DEFAULT_GENERATOR = "exprgan"


def expression_of(word: str) -> str | None:
    """Return the expression that a folder or a table names, in any case; None if it names none."""
    word = word.strip().casefold()
    if word in EXPRESSIONS:
        return word
    return EXPRESSION_SYNONYMS.get(word)
