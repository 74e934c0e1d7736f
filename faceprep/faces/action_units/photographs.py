"""Estimate the Action Units of photographs that belong to no dataset."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from faceprep.config import Config
from faceprep.core.errors import MissingToolError
from faceprep.core.images import write_png
from faceprep.faces.action_units.backend import AUResult, Choice, FaceInput, choose
from faceprep.faces.photographs import landmarks_in_crop


def choose_for_photographs(config: Config) -> Choice | str:
    """Return the backend that ``aus.backend`` names, or why it cannot estimate a photograph."""
    if config.aus.backend == "openface-csv":
        return "openface-csv reads files on the dataset"
    if config.aus.backend == "openface-models" and config.aus.landmarks == "csv":
        return "aus.landmarks=csv reads files on the dataset"
    try:
        return choose(config)
    except MissingToolError as error:
        return error.message


def estimate_photographs(
    images: Sequence[np.ndarray],
    aligned: Sequence[Mapping[str, Any]],
    crops: Sequence[np.ndarray],
    choice: Choice,
    config: Config,
    scratch: Path,
    neutral68: np.ndarray | None = None,
) -> list[AUResult]:
    """Estimate the AUs of photographs, each alone.

    Parameters
    ----------
    images
        ``(H, W, 3) uint8`` RGB.
    aligned
        Columns of `align` of each photograph.
    crops
        ``(S, S, 3) uint8`` RGB.
    choice, config
        Backend, and its settings in ``[aus]``.
    scratch
        Empty folder.
    neutral68
        ``(68, 2)`` crop pixels of the same person's neutral face, if known.
    """
    places = {"select": config.select.model_copy(update={"dataset": "folder", "root": scratch})}
    alone = {"aus": config.aus.model_copy(update={"sequences": "static"}), "workspace": scratch}
    config = config.model_copy(update={**places, **alone})
    faces = []
    for number, (image, crop, columns) in enumerate(zip(images, crops, aligned, strict=True)):
        name = f"{number:06d}.png"
        if choice.backend.name != "landmarks":  # it needs no picture
            picture, folder = (crop, "align") if config.aus.input == "crop" else (image, "")
            (scratch / folder).mkdir(exist_ok=True)
            write_png(scratch / folder / name, picture)
        row = {"face_id": name, "path": name, "sequence": None, "subject": None, "sha256": None}
        align = {**columns, "crop": name}
        faces.append(FaceInput(landmarks_in_crop(align), neutral68, row, align))
    work = scratch / "work"
    work.mkdir()
    return choice.backend.run(faces, config, work)
