"""``faceprep transfer A B``: the expression of B on the face of A (ExprGAN, Fig. 4)."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from faceprep.generators.exprgan.codes import active_block, clamp_code, neutral_code, one_hot
from faceprep.inference.generator import UsedGenerator
from faceprep.inference.inputs import Portraits
from faceprep.inference.labels import Label
from faceprep.inference.output import Made, keep_sources, picture_paths, sheet_path
from faceprep.metrics.representation import expression_codes
from faceprep.report.sheets.grid import Line, grid, header, width_for, write_marked, write_sheet

#: Below it the decoder has next to nothing to show.
_WEAK = 0.1


@dataclass(frozen=True)
class Read:
    """What was read from a face whose expression is transferred.

    Attributes
    ----------
    source, label
        Which face, and what it shows.
    strength
        Of the shown class in the code, 0 to 1; None where it is no class.
    code
        ``K·d`` numbers, clamped.
    """

    source: str
    label: Label
    strength: float | None
    code: list[float]

    def __str__(self) -> str:
        strong = "" if self.strength is None else f", strength {self.strength:.2f}"
        return f"{self.source}: {self.label}{strong}"

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        code = [round(value, 4) for value in self.code]
        return {
            "source": self.source,
            **asdict(self.label),
            "strength": self.strength,
            "code": code,
        }

    def notes(self) -> list[str]:
        """What a user should know."""
        if self.strength is None or self.strength >= _WEAK:
            return []
        name = self.label.expression
        return [
            f"Q reads next to no {name} in {self.source}; faceprep edit --to {name} does not ask Q"
        ]


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
    read = [
        Read(face.source, label, strength_of(label, code, used), code.tolist())
        for face, label, code in zip(expressions.faces, labels, codes, strict=True)
    ]
    data = {
        "faces": [face.source for face in faces.faces],
        "expressions": [one.as_dict() for one in read],
    }
    made_of = {"kind": "transfer", "generator": used.name, **data, "picture": str(path)}
    return Made(
        [path], made_of, [str(one) for one in read], [n for one in read for n in one.notes()]
    )


def strength_of(label: Label, code: Tensor, used: UsedGenerator) -> float | None:
    """Mean of the elements of the shown class in a code ``(K·d)``; None where it is no class."""
    if label.expression not in used.model.classes:
        return None
    y = one_hot([label.expression], used.model.classes)
    return float(active_block(code[None], y).mean())


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
