"""``faceprep edit``: another expression for a face, in any intensity, or a sheet of all of them."""

from pathlib import Path

from faceprep.core.errors import UsageError
from faceprep.generators.editor import NEUTRAL
from faceprep.inference.generator import UsedGenerator
from faceprep.inference.inputs import Portrait, Portraits
from faceprep.inference.output import Made, keep_sources, picture_paths, sheet_path
from faceprep.report.sheets.grid import Line, grid, header, width_for, write_marked, write_sheet

#: Intensities of a sheet, as many as in ExprGAN, Fig. 3.
LEVELS = (0.2, 0.4, 0.6, 0.8, 1.0)


def check_intensity(intensity: float) -> None:
    """Refuse what is no intensity.

    Raises
    ------
    UsageError
        It lies outside 0 … 1.
    """
    if not 0 <= intensity <= 1:
        raise UsageError(f"the intensity {intensity:g} lies outside 0 … 1", "--intensity 0.6")


def edit_faces(
    portraits: Portraits,
    used: UsedGenerator,
    expression: str,
    intensity: float = 1.0,
    out: Path | None = None,
) -> Made:
    """Write every face with an expression.

    Parameters
    ----------
    portraits
        The faces.
    used
        The generator.
    expression, intensity
        Of 0 … 1, evened out by the generator's calibration.
    out
        A ``.png`` for one face, a folder for any number.

    Raises
    ------
    UsageError
        The expression or the intensity is not possible, or a photograph would be overwritten.
    FaceprepError
        A picture cannot be written.
    """
    used.check_expression(expression)
    check_intensity(intensity)
    faces = portraits.faces
    level = "" if intensity == 1 else f"-{intensity:g}"
    paths = picture_paths(out, [f"{face.name}-{expression}{level}" for face in faces])
    keep_sources(paths, [face.source for face in faces])
    edited = used.editor.edit(portraits.images, expression, intensity)
    for face, image, path in zip(faces, edited, paths, strict=True):
        told = {"expression": expression, "intensity": f"{intensity:g}", "source": face.name}
        write_marked(image, path, used.marks(**told))
    pictures = [
        {"source": face.source, "picture": str(path), "faces_found": face.faces_found}
        for face, path in zip(faces, paths, strict=True)
    ]
    calibrated = expression in used.editor.calibration
    data = {"expression": expression, "intensity": intensity, "calibrated": calibrated}
    return Made(paths, {"kind": "edit", "generator": used.name, **data, "pictures": pictures})


def edit_sheet(
    portraits: Portraits, used: UsedGenerator, expression: str | None = None,
    out: Path | None = None,
) -> Made:  # fmt: skip
    """Draw every face as it is, neutral, and with every expression in five intensities (Fig. 3).

    Parameters
    ----------
    portraits, used
        Faces and generator.
    expression
        Only this one.
    out
        The PNG; ``NAME-grid.png`` of the first face without.

    Raises
    ------
    UsageError
        The expression is not known, or a photograph would be overwritten.
    FaceprepError
        The sheet cannot be written.
    """
    if expression is not None:
        used.check_expression(expression)
    path = sheet_path(out, f"{portraits.faces[0].name}-grid.png")
    keep_sources([path], [face.source for face in portraits.faces])
    shown = [expression] if expression else [c for c in used.model.classes if c != NEUTRAL]
    width = width_for(2 + len(LEVELS))
    columns = ["source", NEUTRAL, *(f"{level:g}" for level in LEVELS)]
    blocks = [header("Edits", f"synthetic but for the sources  ·  {used.name}", width)]
    for face in portraits.faces:
        blocks.append(grid(face.source, columns, _lines(face, used, shown), width))
    write_sheet(blocks, path, used.marks(expressions=", ".join(shown)))
    data = {"expressions": shown, "intensities": list(LEVELS), "sheet": str(path)}
    sources = [face.source for face in portraits.faces]
    return Made(
        [path], {"kind": "edit sheet", "generator": used.name, **data, "sources": sources}
    )  # fmt: skip


def _lines(face: Portrait, used: UsedGenerator, expressions: list[str]) -> list[Line]:
    image = face.image[None]
    neutral = used.editor.edit(image, NEUTRAL)[0]
    lines = []
    for number, name in enumerate(expressions):
        first = [face.image, neutral] if number == 0 else [None, None]
        edits = [used.editor.edit(image, name, level)[0] for level in LEVELS]
        lines.append(Line(name, [*first, *edits]))
    return lines
