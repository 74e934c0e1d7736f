"""Measure the intensity of edits, and fit the map that makes it linear."""

import numpy as np

from faceprep.generators.editor import Editor, IntensityMap
from faceprep.metrics import intensity
from faceprep.metrics.expression_classifier.aligned_faces import AlignedFaces, LabelledFaces
from faceprep.metrics.expression_classifier.base import ExpressionClassifier, log_odds


def measurements(
    judge: ExpressionClassifier, faces: AlignedFaces, sources: AlignedFaces, expression: str
) -> dict[str, np.ndarray]:
    """Measure the intensity of an expression in edits of sources.

    Returns
    -------
    Name of the measurement → ``(N,)``: ``judge`` (log-odds); ``AUs`` and ``distance on the face``
    if they are defined for the expression.
    """
    column = judge.classes.index(expression)
    found = {
        "judge": log_odds(judge.log_probabilities(faces), column) if len(faces) else np.zeros(0)
    }
    if len(faces):
        others = {
            "AUs": intensity.expression_aus(faces.landmarks68, sources.landmarks68, expression),
            "distance on the face": intensity.expression_measure(faces.landmarks68, expression),
        }
        found |= {key: values for key, values in others.items() if values is not None}
    return found


def calibrate(editor: Editor, faces: LabelledFaces, steps: int = 11) -> dict[str, IntensityMap]:
    """Fit the maps of the intensity for every expression, on faces of training subjects.

    The expression's AUs are measured. The editor's own calibration is not used.

    Returns
    -------
    Expression → map, for `Editor` and for ``extra["calibration"]`` of the generator's file.
    Expressions that every face shows have no map.
    """
    plain = Editor(editor.generator, None, editor.device, editor.targets.references)
    levels = np.linspace(0, 1, steps)
    maps = {}
    for expression in editor.generator.classes:
        other = faces.expressions != expression
        if not other.any():
            continue
        sources, before = faces.images[other], faces.landmarks68[other]
        measurements = faces.measurements.take(other)
        measured = []
        for level in levels:
            images = plain.edit(sources, expression, float(level), measurements)
            edits = AlignedFaces(images, faces.template)
            measured.append(intensity.expression_aus(edits.landmarks68, before, expression))
        if any(values is None for values in measured):
            continue
        maps[expression] = intensity.fit_intensity_map(levels.tolist(), np.array(measured))
    return maps
