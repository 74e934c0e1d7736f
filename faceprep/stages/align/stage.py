"""Align: photograph → face → 5 and 68 landmarks → similarity to a template → crop.

Faces are found by MTCNN or dlib, aligned by their landmarks and cropped to 128×128. A photograph
that cannot be aligned is a row with a status and a reason; only what stops every other photograph
too, such as a full disk, is an exception.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from faceprep.config import Config
from faceprep.core.device import choose_device
from faceprep.core.errors import Remedy, UsageError
from faceprep.core.images import write_png
from faceprep.execution.stage import ShardOutput, Stage, image_name
from faceprep.faces.aligner import Aligner, Alignment
from faceprep.faces.alignment import load_template
from faceprep.faces.finder import search_of
from faceprep.faces.model_files import dlib_model, mtcnn_weights
from faceprep.stages.align.groups import read_groups
from faceprep.workspace.manifest import Row

# Settings that each detector reads.
_READ_BY = {"mtcnn": ("search", "min_face_size"), "dlib": ("dlib_model",), "given": ()}
_READ_BY_ALL = ("detector", "template", "size", "max_pixels")
_READ_BY_DETECTORS = ("choose", "min_confidence")


class Align(Stage):
    """Photograph → crop of one face, with its landmarks."""

    name = "align"
    upstream = ("select",)
    image_bytes = 25_000

    def settings(self, config: Config) -> dict[str, Any]:
        """Return the settings that this detector reads, and the points of the template."""
        align = config.align
        keys = {*_READ_BY_ALL, *_READ_BY[align.detector]}
        if align.detector != "given":
            keys |= {*_READ_BY_DETECTORS}
        points = load_template(align.template, align.size).round(4).tolist()
        read = {key: value for key, value in align.settings().items() if key in keys}
        if "search" in read:
            read["search"] = search_of(align)
        return {**read, "template_points": points}

    def check(self, config: Config) -> None:
        """Raise `MissingToolError` without the weights, `UsageError` without the dataset."""
        dlib_model("shape_predictor_68_face_landmarks")
        if config.align.detector == "mtcnn":
            for network in ("pnet", "rnet", "onet"):
                mtcnn_weights(network)
        if config.align.detector == "dlib" and config.align.dlib_model == "cnn":
            dlib_model("mmod_human_face_detector")
        if config.device == "cuda" and config.align.detector == "mtcnn":
            choose_device("cuda")
        _dataset_root(config)

    def process(
        self,
        inputs: Mapping[str, Sequence[Row]],
        todo: Sequence[int],
        config: Config,
        out: ShardOutput,
    ) -> list[Row]:
        """Align the face of each photograph, and write its crop."""
        aligner = Aligner(config.align, _device(config))
        select = [inputs["select"][k] for k in todo]
        rows: dict[str, Row] = {}
        for group in read_groups(select, _dataset_root(config), config.align.max_pixels):
            for selected, reason in group.unreadable:
                rows[selected["face_id"]] = {"status": "unreadable", "reason": reason}
            alignments = aligner.align(group.images, group.selected)
            for selected, alignment in zip(group.selected, alignments, strict=True):
                rows[selected["face_id"]] = _row(selected["face_id"], alignment, out)
            out.advance(len(group))
        return [
            {"face_id": key, "detector": aligner.name, **rows[key]}
            for key in (selected["face_id"] for selected in select)
        ]


STAGE = Align()


def _row(face_id: str, alignment: Alignment, out: ShardOutput) -> Row:
    """Write the crop where there is one, and add its columns."""
    if alignment.crop is None:
        return alignment.columns
    name = image_name(face_id)
    data = write_png(out.images / name, alignment.crop)
    file = {"crop": out.relative(name), "crop_sha256": hashlib.sha256(data).hexdigest()}
    return alignment.columns | file


def _device(config: Config) -> str:
    """Return the device of the detector's network; only MTCNN has one in torch."""
    return choose_device(config.device) if config.align.detector == "mtcnn" else "cpu"


def _dataset_root(config: Config) -> Path:
    root = config.dataset_root()
    if not root.is_dir():
        raise UsageError(
            f"the dataset's folder is not there: {root}",
            (Remedy("align", overrides={"root": "DIR"}), " …"),
        )
    return root
