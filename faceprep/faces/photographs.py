"""Read the photograph or the crop of a face, and its landmarks."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from faceprep.core.images import UnreadableImage, decode_image, read_file
from faceprep.faces.alignment import apply_affine, invert_affine
from faceprep.workspace.manifest import inside

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FacePicture:
    """Hold an image with the landmarks of one face."""

    image: np.ndarray  # ``(H, W, 3) uint8`` RGB
    landmarks68: np.ndarray  # ``(68, 2) float64`` pixels of `image`


def read_photograph(selected: Row, root: Path, max_pixels: int) -> np.ndarray:
    """Read the photograph of a row of `select`, which must be unchanged since the selection.

    Raises
    ------
    UnreadableImage
        If it cannot be read or has changed.
    ManifestError
        If its path is outside the dataset.
    """
    data = read_file(inside(root, selected["path"]), max_pixels)
    expected = selected.get("sha256")
    if expected and hashlib.sha256(data).hexdigest() != expected:
        raise UnreadableImage("changed since it was selected; run select again")
    return decode_image(data, max_pixels)


def landmarks_in_crop(aligned: Row) -> np.ndarray:
    """Return landmarks of a row of `align`, ``(68, 2) float64`` crop pixels; NaN without any."""
    if aligned["landmarks68"] is None:
        return np.full((68, 2), np.nan)
    return np.array(aligned["landmarks68"], dtype=np.float64).reshape(68, 2)


def landmarks_in_photograph(aligned: Row) -> np.ndarray:
    """Return landmarks of a row of `align` in pixels of the photograph, ``(68, 2) float64``.

    Raises
    ------
    ValueError
        If the matrix of the row is singular.
    """
    matrix = np.array(aligned["matrix"], dtype=np.float64).reshape(2, 3)
    return apply_affine(invert_affine(matrix), landmarks_in_crop(aligned))


def read_picture(
    selected: Row,
    aligned: Row,
    source: Literal["source", "crop"],
    *,
    root: Path,
    align_folder: Path,
    max_pixels: int,
) -> FacePicture:
    """Read the photograph or the crop of a face, with the landmarks of `align` in its pixels.

    Parameters
    ----------
    selected, aligned
        Rows of the face in these manifests; `aligned` has status ``ok``.
    source
        Photograph (``"source"``) or crop.
    root, align_folder
        Folder of the dataset, and of the align stage, to which paths of crops are relative.
    max_pixels
        Maximum number of pixels; larger images are rejected.

    Raises
    ------
    UnreadableImage
        If the file cannot be read or has changed.
    """
    if source == "crop":
        path = inside(align_folder, aligned["crop"])
        return FacePicture(decode_image(read_file(path, max_pixels)), landmarks_in_crop(aligned))
    image = read_photograph(selected, root, max_pixels)
    return FacePicture(image, landmarks_in_photograph(aligned))
