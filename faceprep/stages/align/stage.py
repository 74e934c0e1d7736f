"""Align: photograph → face → 5 and 68 landmarks → similarity to a template → crop.

Faces are found by MTCNN or dlib, aligned by their landmarks and cropped to 128×128. A photograph
that cannot be aligned is a row with a status and a reason; only errors that affect all photographs,
such as a full disk, are exceptions.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from faceprep.config import Config
from faceprep.core.device import choose_device
from faceprep.core.errors import Again, UsageError
from faceprep.core.files import nearest_path
from faceprep.core.images import write_png
from faceprep.core.marks import MARK
from faceprep.execution.stage import ShardOutput, Stage, image_name
from faceprep.faces.aligner import Aligner, Alignment
from faceprep.faces.alignment import load_template
from faceprep.faces.model_files import dlib_model
from faceprep.faces.registry import DETECTORS, hashed_settings
from faceprep.stages.align.groups import read_groups
from faceprep.workspace import Workspace
from faceprep.workspace.face_index import read_columns
from faceprep.workspace.manifest import Row


class Align(Stage):
    """Photograph → crop of one face, with its landmarks."""

    name = "align"
    upstream = ("select",)
    version = 2
    image_bytes = 25_000

    def settings(self, config: Config) -> dict[str, Any]:
        """Return the settings that the detector reads, and the points of the template."""
        align = config.align
        points = load_template(align.template, align.size).round(4).tolist()
        return {**hashed_settings(align), "template_points": points}

    def check(self, config: Config) -> None:
        """Raise `MissingToolError` without the weights, `UsageError` without the dataset."""
        dlib_model("shape_predictor_68_face_landmarks")
        detector = DETECTORS[config.align.detector]
        detector.check(config.align)
        if config.device == "cuda" and detector.uses_gpu:
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

    def remedy(self, config: Config, status: Mapping[str, int]) -> Again | None:
        """Return another detector, turned photographs, or no limit of confidence."""
        most = max(set(status) - {"ok"}, key=lambda word: status[word], default="")
        if config.align.detector == "given" and most in ("landmarks_failed", "no_face"):
            return Again({"align.detector": "mtcnn"}, note="finds the faces without annotations")
        if most == "low_confidence":
            return Again({"align.min_confidence": 0}, note="accepts every face")
        if most == "no_face" and config.align.turns == 1:
            return Again({"align.turns": 4}, note="also finds faces that lie on a side")
        return None

    def findings(self, workspace: Workspace, config: Config) -> dict[str, Any]:
        """Return the number of photographs in which several faces were found."""
        return {"several_faces": several_faces(workspace), "choose": config.align.choose}


STAGE = Align()


def several_faces(workspace: Workspace) -> int:
    """Count the photographs in which several faces were found."""
    photographs: set[str] = set()
    for shard in workspace.shards("align"):
        found = read_columns(workspace, "align", shard, ["faces_found"])
        if found is None or not pc.any(pc.greater(found["faces_found"], 1)).as_py():
            continue
        selected = read_columns(workspace, "select", shard, ["path"])
        if selected is not None and len(selected) == len(found):
            several = pc.fill_null(pc.greater(found["faces_found"], 1), False)
            photographs.update(selected["path"].filter(several).to_pylist())
    return len(photographs)


def _row(face_id: str, alignment: Alignment, out: ShardOutput) -> Row:
    """Write the crop, if any, and return the row."""
    if alignment.crop is None:
        return alignment.columns
    name = image_name(face_id)
    data = write_png(out.images / name, alignment.crop, MARK)
    file = {"crop": out.relative(name), "crop_sha256": hashlib.sha256(data).hexdigest()}
    return alignment.columns | file


def _device(config: Config) -> str:
    """Return the device of the detector."""
    return choose_device(config.device) if DETECTORS[config.align.detector].uses_gpu else "cpu"


def _dataset_root(config: Config) -> Path:
    root = config.dataset_root()
    if not root.is_dir():
        near = nearest_path(root)
        hint = Again({"select.root": near}) if near else "name the folder with --root (select.root)"
        raise UsageError(f"the dataset's folder is not there: {root}", hint)
    return root
