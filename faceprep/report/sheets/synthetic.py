"""Contact sheet of synthetic faces by expression: ``show WORKSPACE/augment --sheet``."""

from pathlib import Path
from typing import Any

import numpy as np

from faceprep.core.errors import Again, FaceprepError, Remedy, UsageError
from faceprep.core.images import read_image
from faceprep.core.vocabulary import plural
from faceprep.report.sheets.contact_sheet import Sheet
from faceprep.report.sheets.grid import Line, check_png, grid, header, width_for, write_sheet
from faceprep.report.summaries.results import CLASSIFY
from faceprep.workspace import Workspace, artifacts, synthetic
from faceprep.workspace.manifest import inside

_COLUMNS = ["expression", "intensity", "mode", "crop"]


def sheet_of(
    workspace: Workspace, verb: str, names: list[str], out: Path, per_expression: int, seed: int
) -> Sheet:
    """Draw the synthetic faces at a path of ``show``.

    `verb` is one of `faceprep.report.summaries.results.VERBS`, `names` are those of its generators.

    Raises
    ------
    UsageError
        The results are not synthetic faces of one generator, or ``out`` is not a PNG.
    FaceprepError
        The sheet cannot be written.
    """
    check_png(out, "--sheet")
    folder = workspace.folder(verb)
    if verb == CLASSIFY:
        raise UsageError(f"{folder} holds a table, not faces", f"its plot is {folder}/accuracy.png")
    if verb == artifacts.TRAIN:
        samples = artifacts.generator_folder(workspace.root, names[0]) / "samples"
        raise UsageError(f"{folder} holds a training, not faces", f"its sheets are in {samples}")
    if len(names) > 1:
        raise UsageError(
            f"{folder} holds faces of {', '.join(names)}",
            Again({"workspace": folder / names[0]}),
        )
    return draw_synthetic(workspace, names[0], out, per_expression, seed)


def draw_synthetic(
    workspace: Workspace, name: str, out: Path, per_expression: int = 9, seed: int = 0
) -> Sheet:
    """Draw some faces of a generator, one row per expression; see `sheet_of`."""
    stage = synthetic.stage_of(name)
    rows: dict[str, list[dict[str, Any]]] = {}
    total = 0
    for table in workspace.tables(stage):
        total += table.num_rows
        for row in table.select(_COLUMNS).to_pylist():
            rows.setdefault(row["expression"], []).append(row)
    if not rows:
        more = Remedy("augment", workspace.root, {"generator": name, "n": 3000}, resume=True)
        raise UsageError(f"{workspace.folder(stage)} has no synthetic faces to draw", more)
    random, lost, lines = np.random.default_rng(seed), list[str](), list[Line]()
    for expression, there in sorted(rows.items()):
        picked = sorted(random.permutation(len(there))[:per_expression].tolist())
        chosen = [there[number] for number in picked]
        tiles = [_picture(workspace.folder(stage), row["crop"], lost) for row in chosen]
        captions = [f"{row['mode']}, intensity {row['intensity']:.2f}" for row in chosen]
        lines.append(Line(expression, tiles, captions))
    across = max(len(line.tiles) for line in lines)
    width, info = width_for(across), workspace.info(stage)
    note = f"{plural(total, 'face')}, all synthetic  ·  {name}"
    blocks = [header("Synthetic faces", note, width), grid("", [""] * across, lines, width)]
    marks = {"synthetic": "true", "generator": name, "checkpoint": str(info.get("checkpoint"))}
    image = write_sheet(blocks, out, marks, "--sheet")
    return Sheet(out, *image.size, sum(len(line.tiles) for line in lines), 0, lost)


def _picture(folder: Path, crop: str, lost: list[str]) -> np.ndarray | None:
    try:
        return read_image(inside(folder, crop))
    except FaceprepError as error:
        lost.append(f"{crop}: {error.message}")
        return None
