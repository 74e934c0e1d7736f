"""Write edited faces: one picture each, or a sheet of expressions and intensities."""

from collections.abc import Sequence
from pathlib import Path

from faceprep.generators.targets import NEUTRAL
from faceprep.inference.edit import EditGrid, Edits
from faceprep.inference.generator import LoadedGenerator
from faceprep.inference.inputs import InputFaces
from faceprep.report.sheets.grid import Line, grid, header, width_for, write_marked, write_sheet
from faceprep.report.sheets.pictures import Written, picture_paths, sheet_path


def edit_paths(
    inputs: InputFaces, expression: str, intensity: float, out: Path | None
) -> list[Path]:
    """Choose the paths of the pictures of an edit; errors as of `picture_paths`."""
    level = "" if intensity == 1 else f"-{intensity:g}"
    names = [f"{face.name}-{expression}{level}" for face in inputs.faces]
    return picture_paths(out, names, [face.source for face in inputs.faces])


def write_edits(edits: Edits, generator: LoadedGenerator, paths: Sequence[Path]) -> Written:
    """Write every edited face.

    Raises
    ------
    FaceprepError
        A picture cannot be written.
    """
    request = {"expression": edits.expression, "intensity": f"{edits.intensity:g}"}
    for face, image, path in zip(edits.faces, edits.images, paths, strict=True):
        write_marked(image, path, generator.marks(**request, source=face.name))
    pictures = [
        {"source": face.source, "picture": str(path), "faces_found": face.faces_found}
        for face, path in zip(edits.faces, paths, strict=True)
    ]
    data = {
        "kind": "edit",
        "generator": generator.name,
        "expression": edits.expression,
        "intensity": edits.intensity,
        "calibrated": edits.calibrated,
        "pictures": pictures,
    }
    return Written([*paths], data)


def grid_path(inputs: InputFaces, out: Path | None) -> Path:
    """Choose the path of a sheet, named after the first face; errors as of `sheet_path`."""
    name = f"{inputs.faces[0].name}-grid.png"
    return sheet_path(out, name, [face.source for face in inputs.faces])


def draw_edit_grid(edits: EditGrid, generator: LoadedGenerator, path: Path) -> Written:
    """Draw every face unedited, neutral, and with every expression at every intensity.

    Raises
    ------
    FaceprepError
        The sheet cannot be written.
    """
    width = width_for(2 + len(edits.intensities))
    columns = ["source", NEUTRAL, *(f"{level:g}" for level in edits.intensities)]
    blocks = [header("Edits", f"synthetic but for the sources  ·  {generator.name}", width)]
    for face, neutral, images in zip(edits.faces, edits.neutral, edits.images, strict=True):
        lines = [
            Line(name, [*([None, None] if number else [face.image, neutral]), *images[number]])
            for number, name in enumerate(edits.expressions)
        ]
        blocks.append(grid(face.source, columns, lines, width))
    write_sheet(blocks, path, generator.marks(expressions=", ".join(edits.expressions)))
    data = {
        "kind": "edit sheet",
        "generator": generator.name,
        "expressions": edits.expressions,
        "intensities": [*edits.intensities],
        "sheet": str(path),
        "sources": [face.source for face in edits.faces],
    }
    return Written([path], data)
