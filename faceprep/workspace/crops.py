"""Read the crops that `align` wrote."""

from pathlib import Path

import numpy as np

from faceprep.core.errors import FaceprepError, Hint
from faceprep.core.images import UnreadableImage, read_image


def read_crop(path: str | Path, hint: Hint) -> np.ndarray:
    """Read a crop, ``(H, W, 3) uint8`` RGB.

    Parameters
    ----------
    path
        PNG file.
    hint
        Hint of the error, which makes the crop again.

    Raises
    ------
    FaceprepError
        The crop cannot be read.
    """
    try:
        return read_image(Path(path))
    except UnreadableImage as error:
        raise FaceprepError(f"the crop {path} cannot be read: {error.message}", hint) from None
