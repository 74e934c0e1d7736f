"""Write transferred expressions: one picture, or a sheet of faces by expressions."""

from pathlib import Path

from PIL import Image

from faceprep.inference.generator import LoadedGenerator
from faceprep.inference.inputs import InputFaces
from faceprep.inference.transfer import Transfers
from faceprep.report.sheets.grid import Line, grid, header, width_for, write_marked, write_sheet
from faceprep.report.sheets.pictures import Written, picture_paths, sheet_path


def transfer_path(faces: InputFaces, expressions: InputFaces, out: Path | None) -> Path:
    """Choose the path of the picture or sheet; errors as of `picture_paths` and `sheet_path`."""
    sources = [face.source for face in (*faces.faces, *expressions.faces)]
    if len(faces.faces) == len(expressions.faces) == 1:
        name = f"{faces.faces[0].name}-as-{expressions.faces[0].name}"
        return picture_paths(out, [name], sources)[0]
    return sheet_path(out, "transfer.png", sources)


def write_transfers(transfers: Transfers, generator: LoadedGenerator, path: Path) -> Written:
    """Write one picture for one face and one expression, else a sheet.

    Raises
    ------
    FaceprepError
        It cannot be written.
    """
    readings, images = transfers.readings, transfers.images
    marks = generator.marks(expressions=", ".join(one.label.expression for one in readings))
    if images.shape[:2] == (1, 1):
        write_marked(images[0, 0], path, marks)
    else:
        write_sheet(_blocks(transfers, generator), path, marks)
    data = {
        "kind": "transfer",
        "generator": generator.name,
        "faces": [face.source for face in transfers.faces.faces],
        "expressions": [one.as_dict() for one in readings],
        "picture": str(path),
    }
    notes = [note for one in readings for note in one.notes()]
    return Written([path], data, [str(one) for one in readings], notes)


def _blocks(transfers: Transfers, generator: LoadedGenerator) -> list[Image.Image]:
    width = width_for(1 + len(transfers.readings))
    lines = [Line("expression of", [None, *transfers.expressions.images])]
    lines += [
        Line(face.name, [face.image, *edits])
        for face, edits in zip(transfers.faces.faces, transfers.images, strict=True)
    ]
    names = ["", *(one.label.expression for one in transfers.readings)]
    note = f"synthetic but for the first line and column  ·  {generator.name}"
    return [header("Transfer", note, width), grid("", names, lines, width)]
