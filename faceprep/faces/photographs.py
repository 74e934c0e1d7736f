"""The photograph or the crop behind a face's rows, and where its landmarks lie in it."""

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
    """A picture with one face in it.

    Attributes
    ----------
    image
        ``(H, W, 3) uint8`` RGB.
    landmarks68
        ``(68, 2) float64`` pixels of `image`.
    """

    image: np.ndarray
    landmarks68: np.ndarray


def read_photograph(selected: Row, root: Path, max_pixels: int) -> np.ndarray:
    """Read the photograph of a row of `select`, as it was when it was selected.

    Raises
    ------
    UnreadableImage
        When it cannot be read or has changed.
    ManifestError
        When its path leaves the dataset.
    """
    data = read_file(inside(root, selected["path"]), max_pixels)
    expected = selected.get("sha256")
    if expected and hashlib.sha256(data).hexdigest() != expected:
        raise UnreadableImage("changed since it was selected (faceprep select reads it anew)")
    return decode_image(data, max_pixels)


def landmarks_in_crop(aligned: Row) -> np.ndarray:
    """Landmarks of a row of `align`, ``(68, 2) float64`` crop pixels; NaN where it has none."""
    if aligned["landmarks68"] is None:
        return np.full((68, 2), np.nan)
    return np.array(aligned["landmarks68"], dtype=np.float64).reshape(68, 2)


def landmarks_in_photograph(aligned: Row) -> np.ndarray:
    """The same landmarks in pixels of the photograph, ``(68, 2) float64``.

    Raises
    ------
    ValueError
        When the row's matrix has no inverse.
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
    """Read a face's photograph, or its crop, with the landmarks of `align` in its pixels.

    Parameters
    ----------
    selected, aligned
        The face's rows in those manifests; `aligned` has status ``ok``.
    source
        Which of the two pictures.
    root
        Folder of the dataset.
    align_folder
        Folder of the align stage, which crops' paths are relative to.
    max_pixels
        Larger images are refused.

    Raises
    ------
    UnreadableImage
        When the file cannot be read or has changed.
    """
    if source == "crop":
        path = inside(align_folder, aligned["crop"])
        return FacePicture(decode_image(read_file(path, max_pixels)), landmarks_in_crop(aligned))
    image = read_photograph(selected, root, max_pixels)
    return FacePicture(image, landmarks_in_photograph(aligned))
