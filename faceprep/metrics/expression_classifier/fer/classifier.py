"""Classify expressions with the network of the package ``fer``."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from faceprep.core.errors import UsageError
from faceprep.core.pixels import to_unit_range
from faceprep.faces.features.prepare import Window, template_window
from faceprep.metrics.expression_classifier.aligned_faces import AlignedFaces
from faceprep.metrics.expression_classifier.base import ExpressionClassifier
from faceprep.metrics.expression_classifier.fer.network import SIDE
from faceprep.metrics.expression_classifier.fer.weights import INSTALLED, load_network

#: Expressions of the network's outputs, in their order.
EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")

#: Part of a crop of the template ``expression`` that the network sees. Chosen on photographs of
#: training subjects (benchmarks/fer_judge.py --windows).
WINDOW = Window(0.15, 0.08, 0.7)

_MARGIN = 0.25  # of a crop's side; more than the window exceeds any template
_AT_ONCE = 64


class FerClassifier(ExpressionClassifier):
    """Network that others trained on FER-2013, photographs from the web.

    Its probabilities are restricted to `classes`. They are not divided by the frequencies of
    FER-2013, which lowers the accuracy on photographs.
    """

    name: ClassVar[str] = "fer"

    @classmethod
    def load(cls, classes: Sequence[str], spec: str | Path = INSTALLED) -> Self:
        """Load the classifier for those of `classes` that it knows; FER-2013 has no contempt.

        Parameters
        ----------
        classes
            Expressions between which it decides.
        spec
            ``fer``, or a file; see `load_network`.

        Raises
        ------
        UsageError
            It knows fewer than two of them.
        MissingToolError
            As of `load_network`.
        """
        known = tuple(name for name in dict.fromkeys(classes) if name in EXPRESSIONS)
        if len(known) < 2:
            raise UsageError(
                f"the judge {cls.name} knows fewer than two of {', '.join(classes)}",
                f"it knows {', '.join(EXPRESSIONS)}",
            )
        prior = np.full(len(known), 1 / len(known))
        return cls(known, frozenset(), prior, load_network(spec))

    @torch.no_grad()
    def _scores(self, faces: AlignedFaces) -> np.ndarray:
        columns = [EXPRESSIONS.index(name) for name in self.classes]
        parts = []
        for start in range(0, len(faces), _AT_ONCE):
            x = prepare(faces.images[start : start + _AT_ONCE], faces.template)
            both = [F.log_softmax(self.model(image), dim=1) for image in (x, x.flip(3))]
            parts.append(torch.stack(both).mean(0)[:, columns].double().numpy())
        return np.concatenate(parts)


def prepare(images: np.ndarray, template: str = "expression") -> Tensor:
    """Convert crops ``(N, S, S, 3) uint8`` to gray ``(N, 1, 64, 64)`` in [-1, 1], as ``fer`` does.

    It takes a square of whole pixels, and resizes it by bilinear interpolation without a filter.
    Where the square is larger than the crop, the outermost pixels are repeated.
    """
    whole, size = template_window(template, "expression"), images.shape[1]
    margin = round(_MARGIN * size)
    left = margin + round(size * (whole.left + whole.side * WINDOW.left))
    top = margin + round(size * (whole.top + whole.side * WINDOW.top))
    side = round(size * whole.side * WINDOW.side)
    gray = []
    for image in images:
        one = np.pad(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), margin, mode="edge")
        gray.append(cv2.resize(one[top : top + side, left : left + side], (SIDE, SIDE)))
    return to_unit_range(torch.from_numpy(np.stack(gray)[:, None]))
