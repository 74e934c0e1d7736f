"""Write a rendered sequence with its rows of select and align."""

import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pyarrow.parquet as pq

from faceprep.config import Config
from faceprep.core.images import read_image, write_png
from faceprep.demo import DemoSettings, render_demo
from faceprep.faces.action_units.backend import FaceInput
from faceprep.faces.alignment import (
    apply_affine,
    estimate_similarity,
    five_from_68,
    load_template,
    warp,
)

FRAMES = 8
EXPRESSION = "P001/Anger"


@cache
def drawn() -> tuple[list[np.ndarray], np.ndarray]:
    """Return frames ``(H, W, 3) uint8`` and landmarks ``(FRAMES, 68, 2)``, rendered once."""
    root = Path(mkdtemp())
    try:
        render_demo(root, DemoSettings(subjects=1, frames=FRAMES, seed=3, difficulty=0.1))
        rows = pq.read_table(root / "faceprep_demo" / "truth.parquet").to_pylist()
        rows = [row for row in rows if row["sequence"] == EXPRESSION]
        images = [read_image(root / row["path"]) for row in rows]
        return images, np.array([row["landmarks68"] for row in rows]).reshape(-1, 68, 2)
    finally:
        shutil.rmtree(root)


class Recording:
    """Write the sequence as a dataset and an align stage, in PNG to keep the pixels.

    Parameters
    ----------
    folder
        Folder of the test, which may modify the files.
    frames
        Number of frames.
    """

    def __init__(self, folder: Path, frames: int = FRAMES) -> None:
        images, landmarks = drawn()
        self.root, self.workspace = folder / "data", folder / "workspace"
        self.images, self.landmarks = images[:frames], landmarks[:frames]
        self.paths = [self.root / f"P001/Anger/{k:03d}.png" for k in range(frames)]
        self.paths[0].parent.mkdir(parents=True)
        (self.workspace / "align").mkdir(parents=True)
        for path, image in zip(self.paths, self.images, strict=True):
            write_png(path, image)

    def face(self, frame: int, **select: object) -> FaceInput:
        """Return the face of a frame, aligned by its true landmarks."""
        points = self.landmarks[frame]
        five = five_from_68(points)
        matrix = estimate_similarity(five, load_template("expression", 128))
        crop = f"{frame:03d}.png"
        write_png(self.workspace / "align" / crop, warp(self.images[frame], matrix, 128))
        in_crop = apply_affine(matrix, points)
        align = {
            "face_id": f"oulu-casia/P001/Anger/{frame:03d}",
            "status": "ok",
            "detector": "given",
            "landmarks5": five.ravel().tolist(),
            "landmarks68": in_crop.ravel().tolist(),
            "matrix": matrix.ravel().tolist(),
            "crop": crop,
        }
        row = {
            "face_id": align["face_id"],
            "dataset": "oulu-casia",
            "subject": "P001",
            "sequence": "Anger",
            "frame": frame,
            "path": self.paths[frame].relative_to(self.root).as_posix(),
            "role": "peak",
            **select,
        }
        return FaceInput(in_crop, None, row, align)

    def config(self, models: Path, **aus: object) -> Config:
        """Return the configuration; by default with unchanged landmarks."""
        return Config.model_validate(
            {
                "name": "recording",
                "workspace": self.workspace,
                "device": "cpu",
                "select": {"dataset": "oulu-casia", "root": self.root},
                "aus": {
                    "backend": "openface-models",
                    "openface_models": models,
                    "landmarks": "align",
                    **aus,
                },
            }
        )
