"""The contact sheet of a workspace, one PNG.

It shows faces by expression with their landmarks, the faces with the lowest confidence, heatmaps,
and the photographs in which no face could be aligned.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from faceprep.core.errors import FaceprepError, Remedy, UsageError
from faceprep.core.vocabulary import COLUMNS_R, plural
from faceprep.report.sheets.drawing import GRAY, PAPER, PARTS
from faceprep.report.sheets.grid import check_png, write_sheet
from faceprep.report.sheets.sections import (
    COLUMNS,
    FEWEST_COLUMNS,
    GUTTER,
    Section,
    columns_for,
    sections_of,
    shorten_to_fit,
)
from faceprep.report.sheets.text import shorten, width_of, write
from faceprep.report.sheets.tiles import HEIGHTS, TILE_SIZE, Tiles
from faceprep.workspace import Workspace
from faceprep.workspace import face_index as faces
from faceprep.workspace.discover import dataset_root
from faceprep.workspace.face_index import Index

MARGIN = 40
HEADING = 168
HEADER = 112

_COLUMNS_READ = (
    "select.path",
    "align.status",
    "align.reason",
    "align.confidence",
    "align.box",
    "align.landmarks68",
    "align.crop",
    "heatmaps.heatmap",
    *(f"aus.{name}" for name in COLUMNS_R),
)


@dataclass(frozen=True)
class Sheet:
    """Description of a sheet that was drawn: size in pixels, numbers of faces and of failures.

    `placeholders` are images that could not be read, with the reason.
    """

    path: Path
    width: int
    height: int
    faces: int
    failures: int
    placeholders: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {**asdict(self), "path": str(self.path)}

    def __str__(self) -> str:
        shown = f"{self.path}: {plural(self.faces, 'face')}, {plural(self.failures, 'failure')}"
        lost = len(self.placeholders)
        return shown + (f", {plural(lost, 'image')} could not be shown" if lost else "")


def contact_sheet(
    workspace: Path,
    out: Path,
    *,
    per_expression: int = COLUMNS,
    failures: bool = True,
    landmarks: bool = True,
    root: Path | None = None,
    seed: int = 0,
    max_height: int = 4000,
) -> Sheet:
    """Draw the contact sheet of a workspace.

    Parameters
    ----------
    workspace
        Workspace with the stages select and align; heatmaps and AUs are shown if present.
    per_expression
        Number of faces per expression, of different subjects if possible.
    failures
        Also draw photographs in which no face could be aligned.
    landmarks
        Draw every crop twice: without and with its 68 points.
    root
        Folder of the dataset, for the failures; by default the one recorded in the workspace.
    seed
        Seed of the choice of faces.
    max_height
        Largest height, pixels; rows of faces are left out until it fits, down to one per section.

    Raises
    ------
    UsageError
        No stage has run yet, or ``out`` is not a PNG.
    FaceprepError
        The select manifest cannot be read, or the sheet cannot be written.
    """
    check_png(out, "--sheet")
    place = Workspace(workspace)
    if not place.shards("align"):
        raise UsageError(
            f"{workspace} has no aligned faces to draw", Remedy("align", workspace, resume=True)
        )
    index = faces.read_index(place)
    if not len(index):
        raise FaceprepError(
            f"{workspace}: {'; '.join(index.damaged) or 'no frame is selected'}",
            Remedy("show", place.root),
        )
    kind = "pair" if landmarks else "face"
    heatmaps = bool(place.shards("heatmaps"))
    sections = sections_of(index, heatmaps, kind, max(1, per_expression), failures, seed)
    widest = max(len(section.positions) * section.across for section in sections)
    columns = max(FEWEST_COLUMNS, min(columns_for(per_expression), widest))
    shorten_to_fit(sections, columns, max_height - HEADER - MARGIN // 2)
    chosen = sorted({int(at) for section in sections for at in section.positions})
    rows = faces.rows_of(place, index, chosen, _COLUMNS_READ)
    tiles = Tiles(place, root or dataset_root(place), landmarks)
    width = 2 * MARGIN + HEADING + columns * (TILE_SIZE + GUTTER) - GUTTER
    blocks = [_header(place, index, width, landmarks)]
    blocks += [_block(section, rows, tiles, columns, width) for section in sections]
    blocks.append(Image.new("RGB", (width, MARGIN // 2), PAPER))
    sheet = write_sheet(blocks, out, flag="--sheet")
    drawn = [len(s.positions) for s in sections if s.kind == "failure"]
    return Sheet(
        out, sheet.width, sheet.height, len(chosen) - sum(drawn), sum(drawn), tiles.placeholders
    )


def _header(place: Workspace, index: Index, width: int, legend: bool) -> Image.Image:
    block = Image.new("RGB", (width, HEADER), PAPER)
    draw = ImageDraw.Draw(block)
    info = place.info("align")
    settings = info.get("settings", {})
    name = str(info.get("config", {}).get("name") or place.root.resolve().name)
    write(draw, (MARGIN, 34), shorten(name, 30, width - 2 * MARGIN - 360), 30)
    ok = len(index.where(status="ok"))
    share = f" ({100 * ok / len(index):.1f} %)" if len(index) else ""
    parts = [
        plural(len(index), "frame"),
        plural(len(index.words["subject"]), "subject"),
        f"{ok:,} aligned{share}",
    ]
    if settings.get("detector"):
        parts.append(str(settings["detector"]))
    if settings.get("template"):
        parts.append(f"template {settings['template']}, {settings.get('size', '?')} px")
    write(draw, (MARGIN, 76), shorten("  ·  ".join(parts), 14, width - 2 * MARGIN), 14, GRAY)
    if legend:
        x = width - MARGIN - sum(width_of(part, 13) + 30 for part in PARTS) + 16
        for part, (_, colour) in PARTS.items():
            dark = tuple(round(c * 0.86) for c in colour)
            draw.ellipse((x, 51, x + 8, 59), fill=dark)
            x = write(draw, (x + 13, 48), part, 13, GRAY) + 17
    return block


def _block(
    section: Section, rows: dict[int, dict[str, Any]], tiles: Tiles, columns: int, width: int
) -> Image.Image:
    block = Image.new("RGB", (width, section.height(columns)), PAPER)
    draw = ImageDraw.Draw(block)
    title = section.title[:1].upper() + section.title[1:]
    write(draw, (MARGIN, 4), shorten(title, 20, HEADING - 12), 20)
    for number, note in enumerate(section.notes):
        write(draw, (MARGIN, 32 + 18 * number), shorten(note, 13, HEADING - 12), 13, GRAY)
    per_line = columns // section.across
    step = section.across * (TILE_SIZE + GUTTER)
    for number, position in enumerate(section.positions):
        line, column = divmod(number, per_line)
        at = (MARGIN + HEADING + column * step, line * HEIGHTS[section.kind])
        tiles.draw(section.kind, block, at, rows[int(position)])
    if not len(section.positions):
        write(draw, (MARGIN + HEADING, 6), "none aligned", 14, GRAY)
    return block
