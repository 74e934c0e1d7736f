"""align: photograph → face → 5 and 68 landmarks → similarity to a template → crop.

Faces are found by MTCNN or dlib, aligned by their landmarks and cropped to 128×128, as papers on
facial expression do before anything else. A photograph that cannot be done is a row with a status
and a reason; only what stops every other photograph too, such as a full disk, is an exception.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from faceprep.config import AlignConfig, Config
from faceprep.core.errors import MissingToolError, UsageError
from faceprep.core.images import write_png
from faceprep.execution.stage import Row, ShardOutput, Stage, image_name
from faceprep.faces.alignment import (
    apply_affine,
    estimate_similarity,
    five_from_68,
    load_template,
    warp,
)
from faceprep.faces.face import Face
from faceprep.faces.finder import (
    LIBRARY_ERRORS,
    Finder,
    Found,
    choose,
    describe,
    load_finder,
    search_of,
)
from faceprep.stages.align.photographs import Group, read_groups

_READ_BY = {"mtcnn": ("search", "min_face_size"), "dlib": ("dlib_model",), "given": ()}
_READ_BY_ALL = ("detector", "template", "size", "max_pixels")
_READ_BY_DETECTORS = ("choose", "min_confidence")


class Align(Stage):
    """Photograph → crop of one face, with its landmarks."""

    name = "align"
    upstream = ("select",)
    image_bytes = 25_000

    def settings(self, config: Config) -> dict[str, Any]:
        """Only the settings that this detector reads, and where the template's points lie."""
        align = config.align
        keys = {*_READ_BY_ALL, *_READ_BY[align.detector]}
        if align.detector != "given":
            keys |= {*_READ_BY_DETECTORS}
        points = load_template(align.template, align.size).round(4).tolist()
        kept = {key: value for key, value in align.settings().items() if key in keys}
        if "search" in kept:
            kept["search"] = search_of(align)
        return {**kept, "template_points": points}

    def check(self, config: Config) -> None:
        """Raise `MissingToolError` without the weights, `UsageError` without the dataset."""
        from faceprep.faces.model_files import dlib_model, mtcnn_weights

        dlib_model("shape_predictor_68_face_landmarks")
        if config.align.detector == "mtcnn":
            for network in ("pnet", "rnet", "onet"):
                mtcnn_weights(network)
        if config.align.detector == "dlib" and config.align.dlib_model == "cnn":
            dlib_model("mmod_human_face_detector")
        if config.device == "cuda" and config.align.detector == "mtcnn":
            import torch

            if not torch.cuda.is_available():
                raise MissingToolError("torch sees no CUDA device here", "--device cpu")
        _dataset_root(config)

    def process(
        self,
        inputs: Mapping[str, Sequence[Row]],
        todo: Sequence[int],
        config: Config,
        out: ShardOutput,
    ) -> list[Row]:
        """Find, measure, align and crop the face of each photograph."""
        finder = load_finder(config.align, _device(config))
        select = [inputs["select"][k] for k in todo]
        rows: dict[str, Row] = {}
        for group in read_groups(select, _dataset_root(config), config.align.max_pixels):
            for selected, reason in group.unreadable:
                rows[selected["face_id"]] = {"status": "unreadable", "reason": reason}
            for photo in _measured(group, finder, config.align):
                crop = _crop(photo, config.align)
                rows[photo.selected["face_id"]] = photo.row | _written(photo, crop, out)
            out.advance(len(group))
        return [
            {"face_id": key, "detector": finder.name, **rows[key]}
            for key in (selected["face_id"] for selected in select)
        ]


STAGE = Align()


def align_image(
    image: np.ndarray, align: AlignConfig, device: str = "cpu"
) -> tuple[Row, np.ndarray | None]:
    """Align one photograph in memory, as the stage does.

    Parameters
    ----------
    image
        ``(H, W, 3) uint8`` RGB.
    align
        With a detector: nothing is known of the faces.
    device
        Where MTCNN runs.

    Returns
    -------
    What the stage's row would say, without the crop's file, and the crop ``(S, S, 3) uint8``;
    None for the crop where ``status`` is not ``ok``.
    """
    group = Group()
    group.add({"face_id": "photograph"}, image)
    photo = _measured(group, load_finder(align, device), align)[0]
    crop = _crop(photo, align)
    return photo.row, crop


@dataclass
class _Photo:
    """A photograph on its way: what is known of its face, and what its row says so far."""

    selected: Row
    image: np.ndarray
    row: Row
    face: Face | None = None
    points: np.ndarray | None = None

    def fail(self, status: str, reason: str) -> None:
        self.row |= {"status": status, "reason": reason}
        self.face = None


def _measured(group: Group, finder: Finder, align: AlignConfig) -> list[_Photo]:
    """The group's photographs with the face chosen and its 68 landmarks, or why there is none."""
    founds = finder.find(group.images, group.selected)
    photos = [
        _chosen(selected, image, found, align)
        for selected, image, found in zip(group.selected, group.images, founds, strict=True)
    ]
    unmeasured = [photo for photo in photos if photo.face is not None and photo.points is None]
    if unmeasured:
        _measure(unmeasured)
    return photos


def _chosen(selected: Row, image: np.ndarray, found: Found, align: AlignConfig) -> _Photo:
    photo = _Photo(selected, image, {})
    if found.status == "no_face":
        photo.row["faces_found"] = len(found.faces)
    if not found.faces:
        photo.fail(found.status, found.reason)
        return photo
    sure = [face for face in found.faces if face.confidence >= align.min_confidence]
    face = choose(sure or found.faces, align.choose, image.shape)
    photo.face, photo.points = face, found.landmarks68
    given = align.detector == "given"
    photo.row |= {"confidence": None if given else face.confidence, "box": face.box}
    if face.landmarks5 is not None:
        photo.row["landmarks5"] = _flat(face.landmarks5)
    if not (sure or given):
        limit = f"{align.min_confidence:g} (align.min_confidence)"
        photo.fail("low_confidence", f"confidence {face.confidence:.3f} is below {limit}")
    return photo


def _measure(photos: list[_Photo]) -> None:
    """Give each photograph its 68 landmarks; one that cannot be measured does not harm others."""
    from faceprep.faces.dlib.landmark_predictor import shared_predictor  # imports torch

    faces = [photo.face for photo in photos if photo.face is not None]
    try:
        points = shared_predictor().predict_many([photo.image for photo in photos], faces)
    except LIBRARY_ERRORS as error:
        if len(photos) == 1:
            photos[0].fail("landmarks_failed", describe(error))
            return
        for photo in photos:
            _measure([photo])
    else:
        for photo, its_points in zip(photos, points, strict=True):
            photo.points = its_points


def _crop(photo: _Photo, align: AlignConfig) -> np.ndarray | None:
    """Crop of a photograph ``(S, S, 3) uint8``, None without a face; its row says the rest."""
    if photo.face is None or photo.points is None:
        return None
    try:
        if not np.isfinite(photo.points).all():
            raise ValueError("a landmark is not a number")
        five = photo.face.landmarks5
        five = five_from_68(photo.points) if five is None else five
        matrix = estimate_similarity(five, load_template(align.template, align.size))
        crop = warp(photo.image, matrix, align.size)
    except LIBRARY_ERRORS as error:
        photo.fail("landmarks_failed", describe(error))
        return None
    photo.row |= {
        "status": "ok",
        "landmarks5": _flat(five),
        "landmarks68": _flat(apply_affine(matrix, photo.points)),
        "matrix": _flat(matrix),
    }
    return crop


def _written(photo: _Photo, crop: np.ndarray | None, out: ShardOutput) -> Row:
    """Write a crop, and say where it is."""
    if crop is None:
        return {}
    name = image_name(photo.selected["face_id"])
    data = write_png(out.images / name, crop)
    return {"crop": out.relative(name), "crop_sha256": hashlib.sha256(data).hexdigest()}


def _flat(values: np.ndarray) -> list[float]:
    return np.asarray(values, np.float32).ravel().tolist()


def _device(config: Config) -> str:
    """Where a network runs; only MTCNN has one in torch."""
    if config.device != "auto" or config.align.detector != "mtcnn":
        return config.device if config.device != "auto" else "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _dataset_root(config: Config) -> Path:
    root = config.dataset_root()
    if not root.is_dir():
        raise UsageError(
            f"the dataset's folder is not there: {root}", "faceprep align --root DIR …"
        )
    return root
