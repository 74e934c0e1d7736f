"""Draw generated faces without a source: identities by expressions."""

from pathlib import Path

from faceprep.inference.generator import LoadedGenerator
from faceprep.inference.new_faces import NewFaces
from faceprep.report.sheets.grid import Line, grid, header, width_for, write_sheet
from faceprep.report.sheets.pictures import Written, sheet_path


def new_faces_path(out: Path | None) -> Path:
    """Choose the path of the sheet; errors as of `sheet_path`."""
    return sheet_path(out, "new-faces.png")


def draw_new_faces(found: NewFaces, generator: LoadedGenerator, path: Path) -> Written:
    """Draw one row per identity.

    Raises
    ------
    FaceprepError
        The sheet cannot be written.
    """
    classes = [*found.expressions]
    lines = [Line(f"seed {found.seed}, {n}", [*images]) for n, images in enumerate(found.images)]
    width = width_for(len(classes))
    blocks = [
        header("New faces", f"synthetic: nobody of them exists  ·  {generator.name}", width),
        grid("", classes, lines, width),
    ]
    write_sheet(blocks, path, generator.marks(seed=found.seed, expressions=", ".join(classes)))
    data = {
        "kind": "new faces",
        "generator": generator.name,
        "count": len(found.images),
        "seed": found.seed,
        "expressions": classes,
        "sheet": str(path),
    }
    return Written([path], data)
