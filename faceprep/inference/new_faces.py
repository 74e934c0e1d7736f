"""``faceprep new-faces``: people who do not exist, with every expression (ExprGAN, Fig. 5)."""

from pathlib import Path

from faceprep.inference.generator import UsedGenerator
from faceprep.inference.output import Made, sheet_path
from faceprep.report.sheets.grid import Line, grid, header, width_for, write_sheet


def draw_new_faces(
    used: UsedGenerator, count: int = 8, seed: int = 0, out: Path | None = None
) -> Made:
    """Draw random identities by expressions; the same seed gives the same people.

    Raises
    ------
    UsageError
        `out` is no PNG.
    FaceprepError
        It cannot be written.
    """
    path = sheet_path(out, "new-faces.png")
    classes = used.model.classes
    made = [used.editor.invent(count, name, seed) for name in classes]
    lines = [
        Line(f"seed {seed}, {number}", [images[number] for images in made])
        for number in range(count)
    ]
    width = width_for(len(classes))
    blocks = [
        header("New faces", f"synthetic: nobody of them exists  ·  {used.name}", width),
        grid("", list(classes), lines, width),
    ]
    write_sheet(blocks, path, used.marks(seed=seed, expressions=", ".join(classes)))
    data = {"count": count, "seed": seed, "expressions": list(classes), "sheet": str(path)}
    return Made([path], {"kind": "new faces", "generator": used.name, **data})
