"""Drawn people by expressions, and generators whose faults are known."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from faceprep.core.images import write_png
from faceprep.demo.sequence import render_sequence, sample_subject
from faceprep.faces.alignment import estimate_similarity, five_from_68, load_template, warp
from faceprep.generators.base import Edited, Target
from faceprep.metrics.expression_classifier.aligned_faces import LabelledFaces
from faceprep.workspace import Workspace
from faceprep.workspace.manifest import table_from_rows
from faceprep.workspace.pending import pending_shard

CLASSES = ("anger", "happiness", "surprise")
SIZE = 64

#: Crops ``(B, 3, S, S)`` in [-1, 1], class and intensity → the edited crops.
Edit = Callable[[Tensor, int, float], Tensor]


def draw_people(first: int, count: int, classes: tuple[str, ...] = CLASSES) -> LabelledFaces:
    """People with every expression, aligned by the truth; no detector needed."""
    people = range(first, first + count)
    return LabelledFaces(
        np.concatenate([_draw_person(index, classes) for index in people]),
        expressions=np.array(classes * count),
        subjects=np.repeat([f"S{index:03d}" for index in people], len(classes)),
    )


@cache
def _draw_person(index: int, classes: tuple[str, ...]) -> np.ndarray:
    template = load_template("expression", SIZE)
    person = sample_subject(7, index, 0.25)
    images = []
    for number, expression in enumerate(classes):
        film = render_sequence(person, expression, seed=7, number=number, frames=1, size=160)
        frame = next(iter(film))
        matrix = estimate_similarity(five_from_68(frame.landmarks68), template)
        images.append(warp(frame.image, matrix, SIZE))
    return np.stack(images)


class MadeGenerator:
    """A generator that does what a test wants."""

    kind = "exprgan"
    preset = "made"
    classes = CLASSES
    elements = 5
    identity = 50
    size = SIZE

    def __init__(self, edit: Edit) -> None:
        self._edit = edit

    def identities(self, u: Tensor) -> Tensor:
        return u

    def encode(self, x: Tensor) -> Tensor:
        return torch.zeros(len(x), self.identity)

    def controller(self, y: Tensor, z: Tensor) -> Tensor:
        return ((2 * y - 1)[:, :, None] * z.abs()[:, None, :]).flatten(1)

    def decode(self, g: Tensor, c: Tensor, src: Tensor | None = None) -> Tensor:
        blocks = c.unflatten(1, (len(self.classes), self.elements))
        asked = int(blocks[0].mean(1).argmax())
        strength = float(blocks[0].abs().mean())
        x = torch.zeros(len(g), 3, SIZE, SIZE) if src is None else src
        return self._edit(x, asked, strength)

    def edit(self, images: Tensor, target: Target) -> Edited:
        return Edited(self.decode(self.encode(images), target.require("code"), images))

    def new_faces(self, u: Tensor, target: Target) -> Edited:
        return Edited(self.decode(self.identities(u), target.require("code")))

    def q(self, x: Tensor, y: Tensor) -> Tensor:
        raise NotImplementedError


def tensor(images: np.ndarray) -> Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1


def copy() -> MadeGenerator:
    """Gives back what it gets."""
    return MadeGenerator(lambda x, asked, strength: x)


def one_face(faces: LabelledFaces) -> MadeGenerator:
    """One face for each expression, whoever is edited."""
    first = [tensor(faces.images[faces.expressions == name][:1]) for name in CLASSES]
    return MadeGenerator(lambda x, asked, strength: first[asked].expand(len(x), -1, -1, -1))


def sticker(faces: LabelledFaces) -> MadeGenerator:
    """Fades a stranger's brows, eyes and mouth in: hard edges, somebody else's skin."""
    parts = [tensor(faces.images[faces.expressions == name][:1]) for name in CLASSES]
    mask = torch.zeros(1, 1, SIZE, SIZE)
    mask[..., 16:30, 14:50] = 1
    mask[..., 36:50, 20:44] = 1

    def edit(x: Tensor, asked: int, strength: float) -> Tensor:
        return x + strength * mask * (parts[asked] - x)

    return MadeGenerator(edit)


def true_expression(people: LabelledFaces) -> MadeGenerator:
    """The same person with the asked expression, as drawn; in between a blend."""
    known = tensor(people.images)

    def edit(x: Tensor, asked: int, strength: float) -> Tensor:
        nearest = [int((known - one).abs().mean(dim=(1, 2, 3)).argmin()) for one in x]
        wanted = [
            np.flatnonzero(
                (people.subjects == people.subjects[n]) & (people.expressions == CLASSES[asked])
            )[0]
            for n in nearest
        ]
        return x + strength * (known[wanted] - x)

    return MadeGenerator(edit)


def lay_out(root: Path, sides: dict[str, LabelledFaces]) -> Workspace:
    """Write select and align as if they had run: ``folder/test000`` is the test's first face."""
    workspace = Workspace(root)
    selected, aligned, pictures = [], [], []
    for split, faces in sides.items():
        for number, (image, expression, subject) in enumerate(
            zip(faces.images, faces.expressions, faces.subjects, strict=True)
        ):
            face_id = f"folder/{split}{number:03d}"
            selected.append(
                {
                    "face_id": face_id, "dataset": "folder", "subject": str(subject),
                    "path": f"{split}{number}.png", "expression": str(expression),
                    "role": "still", "split": split, "fold": 0,
                }
            )  # fmt: skip
            aligned.append(
                {
                    "face_id": face_id, "status": "ok", "detector": "given",
                    "crop": f"images/00000/{split}{number:03d}.png",
                }
            )  # fmt: skip
            pictures.append((f"{split}{number:03d}.png", image))
    for stage, rows in (("select", selected), ("align", aligned)):
        with pending_shard(workspace, stage, 0) as pending:
            pending.commit(
                table_from_rows(stage, rows), input_hash="", config_hash="", provenance={},
                seconds=0.0,
            )  # fmt: skip
        recorded = {"config": {"select": {"dataset": "folder"}}, "root": str(root)}
        workspace.write_info(stage, {"stage": stage, "shards": 1, **recorded})
    folder = root / "align" / "images" / "00000"
    folder.mkdir(parents=True, exist_ok=True)
    for name, image in pictures:
        write_png(folder / name, image)
    return workspace
