"""Tiles of a contact sheet: a face, a failure or a heatmap, with its caption."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from faceprep.core.errors import ManifestError
from faceprep.core.images import UnreadableImage, read_image
from faceprep.core.vocabulary import INTENSITY_AUS
from faceprep.report.sheets.drawing import (
    GRAY,
    RED,
    draw_box,
    draw_landmarks,
    fit,
    paint_heatmap,
    placeholder,
    rounded,
)
from faceprep.report.sheets.text import INK, shorten, width_of, wrap, write
from faceprep.workspace import Workspace
from faceprep.workspace.manifest import inside

TILE_SIZE = 148
GAP = 4

#: Height of each kind of tile with its caption, pixels.
HEIGHTS = {
    "face": TILE_SIZE + 46,
    "pair": 2 * TILE_SIZE + GAP + 46,
    "heatmap": TILE_SIZE + 30,
    "failure": TILE_SIZE + 62,
}

# Larger photographs get a placeholder, to bound the memory.
_MAX_PIXELS = 40_000_000
_POINTS = 68
_SMALL, _LINE = 11.5, 15


class Tiles:
    """Draw tiles, and record which images could not be read.

    `root` is the folder of the dataset, None if unknown; `landmarks` draws the 68 points on the
    crops.
    """

    def __init__(self, workspace: Workspace, root: Path | None, landmarks: bool) -> None:
        self.workspace = workspace
        self.root = root
        self.landmarks = landmarks
        self.placeholders: list[str] = []

    def draw(self, kind: str, block: Image.Image, at: tuple[int, int], row: dict[str, Any]) -> None:
        """Draw a tile of a kind from `HEIGHTS` with its top left corner at ``at``."""
        {
            "face": self._face,
            "pair": self._pair,
            "heatmap": self._heatmap,
            "failure": self._failure,
        }[kind](block, at, row)

    def _face(self, block: Image.Image, at: tuple[int, int], row: dict[str, Any]) -> None:
        """Draw the crop, with its landmarks if `landmarks` is set."""
        block.paste(rounded(self._crop(row)[int(self.landmarks)]), at)
        _caption(block, at, row)

    def _pair(self, block: Image.Image, at: tuple[int, int], row: dict[str, Any]) -> None:
        """Draw the crop and, below it, the crop with landmarks."""
        below = (at[0], at[1] + TILE_SIZE + GAP)
        for square, place in zip(self._crop(row), (at, below), strict=True):
            block.paste(rounded(square), place)
        _caption(block, below, row)

    def _heatmap(self, block: Image.Image, at: tuple[int, int], row: dict[str, Any]) -> None:
        step = TILE_SIZE + GAP
        for number, square in enumerate((*self._crop(row), self._plane(row))):
            block.paste(rounded(square), (at[0] + number * step, at[1]))
        _caption(block, at, row, 2 * step + TILE_SIZE)

    def _failure(self, block: Image.Image, at: tuple[int, int], row: dict[str, Any]) -> None:
        block.paste(rounded(self._photograph(row)), at)
        draw = ImageDraw.Draw(block)
        x, y = at[0] + 2, at[1] + TILE_SIZE + 5
        status, reason = str(row.get("align.status", "")), str(row.get("align.reason") or "")
        end = write(draw, (x, y), status, _SMALL, RED) + 8
        right = at[0] + TILE_SIZE - 2
        write(draw, (right, y), tail(row["face_id"], right - end), _SMALL, INK, "ra")
        for number, line in enumerate(wrap(reason, _SMALL, TILE_SIZE - 4, 2)):
            write(draw, (x, y + _LINE * (number + 1)), line, _SMALL, GRAY)

    def _crop(self, row: dict[str, Any]) -> tuple[Image.Image, Image.Image]:
        """Return the crop without and with its landmarks."""
        image = self._read(self.workspace.folder("align"), row.get("align.crop"), row, "crop")
        if isinstance(image, str):
            square = placeholder(TILE_SIZE, image)
            return square, square
        square, scale, _ = fit(image, TILE_SIZE)
        points = row.get("align.landmarks68")
        if points is None:
            return square, square
        return square, draw_landmarks(square, np.reshape(points, (_POINTS, 2)), scale)

    def _plane(self, row: dict[str, Any]) -> Image.Image:
        folder = self.workspace.folder("heatmaps")
        image = self._read(folder, row.get("heatmaps.heatmap"), row, "heatmap")
        if isinstance(image, str):
            return placeholder(TILE_SIZE, image)
        plane = image[..., 0]
        if plane.shape[0] == _POINTS * plane.shape[1]:  # one plane per point, stacked vertically
            plane = plane.reshape(_POINTS, plane.shape[1], plane.shape[1]).max(axis=0)
        return paint_heatmap(plane, TILE_SIZE)

    def _photograph(self, row: dict[str, Any]) -> Image.Image:
        image = self._read(self.root, row.get("select.path"), row, "photograph")
        if isinstance(image, str):
            # The caption already has the reason.
            return placeholder(TILE_SIZE, "" if row["align.status"] == "unreadable" else image)
        square, scale, offset = fit(image, TILE_SIZE)
        if row.get("align.box") is not None:
            draw_box(square, row["align.box"], scale, offset)
        return square

    def _read(
        self, folder: Path | None, name: str | None, row: dict[str, Any], what: str
    ) -> np.ndarray | str:
        """Return ``(H, W, 3) uint8 RGB``, or the reason why it cannot be read."""
        try:
            if folder is None:
                raise UnreadableImage("dataset folder not known")
            if name is None:
                raise UnreadableImage(f"no {what}")
            path = inside(folder, name)
            if not path.exists():
                raise UnreadableImage(f"{what} is missing")
            return read_image(path, max_pixels=_MAX_PIXELS)
        except (UnreadableImage, ManifestError, OSError) as error:
            reason = str(error)
            self.placeholders.append(f"{row['face_id']}: {reason}")
            return reason


def tail(face_id: str, room: float) -> str:
    """Return the longest end of a face's id within ``room`` pixels, without the dataset's name."""
    name = face_id.partition("/")[2] or face_id
    while width_of(name, _SMALL) > room and "/" in name:
        name = name.partition("/")[2]
    return shorten(name, _SMALL, room, keep_end=True)


def strongest(row: dict[str, Any], count: int = 2) -> str:
    """Return name and intensity of the strongest AUs of a row, if at least 0.5."""
    values = [(row.get(f"aus.{name}_r"), name) for name in INTENSITY_AUS]
    known = sorted(((-value, name) for value, name in values if value is not None and value >= 0.5))
    return "   ".join(f"{name} {-value:.1f}" for value, name in known[:count])


def _caption(
    block: Image.Image, at: tuple[int, int], row: dict[str, Any], width: int = TILE_SIZE
) -> None:
    """Write the end of the id, the detector's confidence and, if there is room, two AUs."""
    draw = ImageDraw.Draw(block)
    left, right, y = at[0] + 2, at[0] + width - 2, at[1] + TILE_SIZE + 5
    confidence = row.get("align.confidence")
    text = "" if confidence is None else f"{confidence:.2f}"
    write(draw, (right, y), text, _SMALL, GRAY, "ra")
    room = right - left - width_of(text, _SMALL) - 8
    write(draw, (left, y), tail(row["face_id"], room), _SMALL, INK)
    if width == TILE_SIZE:
        write(draw, (left, y + _LINE), strongest(row), _SMALL, GRAY)
