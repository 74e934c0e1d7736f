"""Photographs, points and rows for the tests of align."""

from pathlib import Path

import cv2
import numpy as np

from faceprep.config import Config
from faceprep.faces.alignment import apply_affine, five_from_68, load_template
from faceprep.workspace.manifest import Row

# Any 68 points whose five lie on the template; drawn once, in a crop of 128.
SHAPE = np.random.default_rng(1).uniform(35, 95, (68, 2))
SHAPE[36:42], SHAPE[42:48] = load_template("expression", 128)[:2, None]
SHAPE[[30, 48, 54]] = load_template("expression", 128)[2:]


def face_at(x: float, y: float, scale: float = 1.0, angle: float = 0.0) -> np.ndarray:
    """68 points in a photograph, around (x, y)."""
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    turned = np.array([[c, -s, x], [s, c, y]])
    turned[:, 2] -= turned[:, :2] @ [63.5, 63.5]
    return apply_affine(turned, SHAPE)


def photograph(seed: int = 0, width: int = 200, height: int = 160) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 3)


def selected(path: str, points: np.ndarray | None = None, **values: object) -> Row:
    row: Row = {
        "face_id": f"folder/{path}",
        "dataset": "folder",
        "subject": "A",
        "path": path,
        "role": "still",
        "split": "train",
        "fold": 0,
    }
    if points is not None:
        row["landmarks68"] = points.astype(np.float32).ravel().tolist()
        row["landmarks5"] = five_from_68(points).astype(np.float32).ravel().tolist()
    return row | values


def config_of(root: Path, **options: object) -> Config:
    return Config.model_validate(
        {
            "select": {"dataset": "folder", "root": root},
            "align": {"detector": "given", **options},
            "device": "cpu",
        }
    )
