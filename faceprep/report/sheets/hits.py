"""Draw retrieved faces."""

from pathlib import Path

from faceprep.inference.gallery import workspace_of_gallery
from faceprep.inference.generator import LoadedGenerator
from faceprep.inference.retrieve import Retrieved
from faceprep.report.sheets.grid import Line, grid, header, width_for, write_sheet
from faceprep.report.sheets.pictures import sheet_path


def draw_hits(found: Retrieved, generator: LoadedGenerator, out: Path) -> Path:
    """Draw every query with its hits, one row per way of comparing; return the path.

    Raises
    ------
    UsageError
        `out` is not a PNG, or is one of the input photographs.
    FaceprepError
        The sheet cannot be written.
    """
    queries, gallery = found.queries.faces, found.gallery
    path = sheet_path(out, "retrieved.png", [face.source for face in queries])
    images = dict(zip(gallery.ids, gallery.faces.images, strict=True))
    lines = []
    for face in queries:
        for way in dict.fromkeys(hit.way for hit in found.hits):
            hits = [hit for hit in found.hits if (hit.source, hit.way) == (face.source, way)]
            tiles = [face.image, *(images[hit.face_id] for hit in hits)]
            captions = [face.name, *(f"{hit.expression} {hit.distance:.2f}" for hit in hits)]
            lines.append(Line(f"by {way}", tiles, captions))
    most = max((len(line.tiles) for line in lines), default=1)
    columns = ["source", *(str(number) for number in range(1, most))]
    note = f"{gallery.split} faces of {workspace_of_gallery(generator).root}  ·  {generator.name}"
    width = width_for(max(most, 3))
    write_sheet([header("Retrieved", note, width), grid("", columns, lines, width)], path)
    return path
