"""How strongly faces show an expression, and the map that makes it grow evenly."""

import numpy as np

from faceprep.evaluation import intensity
from faceprep.evaluation.editor import Editor
from faceprep.evaluation.face_set import FaceSet, LabelledFaces
from faceprep.evaluation.judge import Judge, log_odds


def measurements(
    judge: Judge, faces: FaceSet, sources: FaceSet, expression: str
) -> dict[str, np.ndarray]:
    """How strongly edits of sources show an expression, by name of the measurement, ``(N,)`` each.

    ``judge``: log-odds; ``AUs`` and ``distance on the face``: where the expression has some.
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


def calibrate(
    editor: Editor, faces: LabelledFaces, judge: Judge, steps: int = 11
) -> dict[str, intensity.IntensityMap]:
    """Fit the maps of the intensity for every expression, on faces of training subjects.

    The expression's AUs are measured, or the judge's log-odds where it has none. The editor's own
    calibration is not used.

    Returns
    -------
    Expression → map, for `Editor`; ``to_json`` of each, by expression, goes into the generator's
    file as ``extra["calibration"]``. None where every face shows the expression already.
    """
    plain = Editor(editor.generator, None, editor.device)
    told = np.linspace(0, 1, steps)
    maps = {}
    for expression in editor.generator.classes:
        sources = faces.take(faces.expressions != expression)
        if not len(sources):
            continue
        measured = []
        for level in told:
            made = FaceSet(plain.edit(sources.images, expression, float(level)), faces.template)
            found = measurements(judge, made, sources, expression)
            measured.append(found.get("AUs", found["judge"]))
        maps[expression] = intensity.fit_intensity_map(told.tolist(), np.array(measured))
    return maps
