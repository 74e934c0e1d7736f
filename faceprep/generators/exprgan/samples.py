"""Samples of an ExprGAN in training: edits of training faces, and new faces."""

import torch
from torch import Tensor

from faceprep.generators.exprgan import codes
from faceprep.generators.exprgan.model import ExprGAN
from faceprep.training.crops import Crops
from faceprep.training.trainer import Samples, SampleTable

#: Number of faces in the table of edits; the table of new faces has half as many.
FACES = 6

#: Intensities of one expression.
LEVELS = (0.2, 0.4, 0.6, 0.8, 1.0)


@torch.no_grad()
def samples(model: ExprGAN, crops: Crops) -> Samples:
    """Edit fixed training faces, and generate fixed new faces.

    The first table shows source, reconstruction, reconstruction from the identity alone, every
    expression at full intensity, and one expression at five intensities; the second table shows new
    identities with every expression.

    Parameters
    ----------
    model
        Generator in eval mode.
    crops
        Training faces.
    """
    title = "training faces; below, faces of nobody"
    return Samples(title, [_edits(model, crops), _new_faces(model, crops)])


def _edits(model: ExprGAN, crops: Crops) -> SampleTable:
    chosen = crops.examples(FACES)
    x, y = crops.batch(chosen), crops.one_hot(chosen)
    g, d = model.encode(x), model.elements
    own = codes.intensity_code(y, 1.0, d)
    columns = [x, model.decode(g, own, x), model.decode(g, own)]
    titles = ["source", "own label", "identity only"]
    count = len(model.classes)
    eye = torch.eye(count, device=x.device)
    for k, name in enumerate(model.classes):
        code = codes.intensity_code(eye[k].expand(len(x), -1), 1.0, d)
        columns.append(model.decode(g, code, x))
        titles.append(name)
    # A different expression in every row, never that of the source.
    shift = torch.arange(len(x), device=x.device) % (count - 1) + 1
    other = eye[(y.argmax(1) + shift) % count]
    for level in LEVELS:
        columns.append(model.decode(g, codes.intensity_code(other, level, d), x))
        titles.append(f"{level:.1f}")
    return SampleTable(columns, titles)


def _new_faces(model: ExprGAN, crops: Crops) -> SampleTable:
    device = crops.images.device
    noise = torch.Generator().manual_seed(0)
    uniform = codes.uniform_noise(FACES, model.identity, noise, device)[: FACES // 2]
    z = model.identities(uniform)
    eye = torch.eye(len(model.classes), device=device)
    columns: list[Tensor] = [
        model.decode(z, codes.intensity_code(row.expand(len(z), -1), 1.0, model.elements))
        for row in eye
    ]
    return SampleTable(columns, list(model.classes))
