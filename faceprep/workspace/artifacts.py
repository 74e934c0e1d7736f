"""Names of the folders and files of trained generators and classifiers.

<workspace>/train/<name>/  training.safetensors  generator.safetensors  history.parquet  train.json
<workspace>/judges/        <key>.npz
"""

from pathlib import Path

from faceprep.core.vocabulary import DEFAULT_GENERATOR

#: Stage of a training.
TRAIN = "train"

#: Checkpoint to resume from, file for inference, losses of every step, and record of the training.
RESUME, USE = "training.safetensors", "generator.safetensors"
HISTORY, INFO = "history.parquet", "train.json"

#: Record, in the folder of a stage, of what an unfinished run makes.
ASKED = "asked.json"


def generator_name(kind: str, fold: int | None = None) -> str:
    """Return the name of a generator: its kind, or ``<kind>-fold03`` without a training fold."""
    return kind if fold is None else f"{kind}-fold{fold:02d}"


def generator_folder(workspace: Path, name: str = DEFAULT_GENERATOR) -> Path:
    """Return the folder of a trained generator; `name` by `generator_name`."""
    return workspace / TRAIN / name


def generator_file(workspace: Path, name: str = DEFAULT_GENERATOR) -> Path:
    """Return the path of a trained generator's file, which may not exist."""
    return generator_folder(workspace, name) / USE


def judge_file(workspace: Path, key: str) -> Path:
    """Return the path of an expression classifier; `key` is a hash of all that affects it."""
    return workspace / "judges" / f"{key}.npz"


def verb_of(stage: str) -> str:
    """Return the verb of a stage's folder: ``augment`` for ``augment/<generator>``."""
    return stage.partition("/")[0]
