"""Sheet of ``edit --sweep``: one row per Action Unit."""

from pathlib import Path

from faceprep.core.vocabulary import AU_DESCRIPTIONS
from faceprep.inference.generator import LoadedGenerator
from faceprep.inference.sweep import Sweep
from faceprep.report.sheets.grid import Line, grid, header, width_for, write_sheet
from faceprep.report.sheets.inference import Written


def draw_sweep(sweep: Sweep, generator: LoadedGenerator, path: Path) -> Written:
    """Draw every face unedited, and with every Action Unit at every intensity."""
    width = width_for(1 + len(sweep.intensities))
    columns = ["source", *(f"{level:g}" for level in sweep.intensities)]
    note = f"all synthetic except the sources  ·  {generator.name}"
    base = sweep.request.name
    title = f"Action Units of {base}" if base else "Action Units"
    blocks = [header(title, note, width)]
    for face, own, images in zip(sweep.faces, sweep.own, sweep.images, strict=True):
        lines = [
            Line(unit, [face.image, *images[n]], [f"own {own[n]:.1f}", AU_DESCRIPTIONS[unit]])
            for n, unit in enumerate(sweep.units)
        ]
        blocks.append(grid(face.source, columns, lines, width))
    marks = generator.marks(**sweep.request.marks(), sweep=" ".join(sweep.units))
    write_sheet(blocks, path, marks)
    data = {
        "kind": "sweep",
        "generator": generator.name,
        "expression": sweep.request.expression,
        "action_units": dict(sweep.request.action_units),
        "units": sweep.units,
        "intensities": [*sweep.intensities],
        "sheet": str(path),
        "sources": [face.source for face in sweep.faces],
    }
    return Written([path], data)
