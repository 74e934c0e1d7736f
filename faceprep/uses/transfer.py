"""``faceprep transfer A B``: the expression of B on the face of A (ExprGAN, Fig. 4)."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from faceprep.evaluation.representation import expression_codes
from faceprep.generators.codes import clamp_code, neutral_code, one_hot
from faceprep.report.grid import Line, grid, header, width_for, write_marked, write_sheet
from faceprep.uses.generator import UsedGenerator
from faceprep.uses.labels import Label
from faceprep.uses.output import Made, keep_sources, picture_paths, sheet_path
from faceprep.uses.photographs import Portraits


def read_codes(portraits: Portraits, labels: list[Label], used: UsedGenerator) -> Tensor:
    """Codes of faces as the decoder knows them: read by Q, then clamped, ``(N, K·d)``.

    Where neutral is no class of the generator, Q cannot read it: every class is told to be absent.
    """
    model = used.model
    codes = neutral_code(len(labels), len(model.classes), model.elements)
    readable = [n for n, label in enumerate(labels) if label.expression in model.classes]
    if readable:
        names = [labels[n].expression for n in readable]
        read = expression_codes(model, portraits.images[readable], names, used.device)
        found = clamp_code(torch.from_numpy(read).float(), one_hot(names, model.classes))
        codes[readable] = found
    return codes


def transfer_faces(
    faces: Portraits,
    expressions: Portraits,
    labels: list[Label],
    used: UsedGenerator,
    out: Path | None = None,
) -> Made:
    """Give every face every expression: one picture for one of each, else a sheet.

    Parameters
    ----------
    faces, expressions
        Whose face, and whose expression.
    labels
        What each of `expressions` shows.
    used
        The generator.
    out
        A PNG, or a folder for it.

    Raises
    ------
    UsageError
        `out` is no PNG, or a photograph.
    FaceprepError
        It cannot be written.
    """
    targets = [label.expression for label in labels]
    single = len(faces.faces) == len(targets) == 1
    name = f"{faces.faces[0].name}-as-{expressions.faces[0].name}"
    path = picture_paths(out, [name])[0] if single else sheet_path(out, "transfer.png")
    keep_sources([path], [face.source for face in (*faces.faces, *expressions.faces)])
    codes = read_codes(expressions, labels, used)
    made = [
        used.editor.apply(np.repeat(face.image[None], len(codes), 0), codes) for face in faces.faces
    ]
    marks = used.marks(expressions=", ".join(targets))
    if single:
        write_marked(made[0][0], path, marks)
    else:
        write_sheet(_blocks(faces, expressions, labels, made, used), path, marks)
    sources = [
        {
            "source": face.source, "expression": label.expression, "by": label.by,
            "probability": label.probability, "code": [round(v, 4) for v in code.tolist()],
        }
        for face, label, code in zip(expressions.faces, labels, codes, strict=True)
    ]  # fmt: skip
    data = {"faces": [face.source for face in faces.faces], "expressions": sources}
    return Made([path], {"kind": "transfer", "generator": used.name, **data, "picture": str(path)})


def _blocks(
    faces: Portraits,
    expressions: Portraits,
    labels: list[Label],
    made: list[np.ndarray],
    used: UsedGenerator,
) -> list[Image.Image]:
    width = width_for(1 + len(labels))
    lines = [Line("expression of", [None, *expressions.images])]
    lines += [
        Line(face.name, [face.image, *edits]) for face, edits in zip(faces.faces, made, strict=True)
    ]
    names = ["", *(label.expression for label in labels)]
    note = f"synthetic but for the first line and column  ·  {used.name}"
    return [header("Transfer", note, width), grid("", names, lines, width)]
