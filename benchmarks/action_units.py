"""Measure the agreement of the landmark AU estimator with known Action Units.

    python benchmarks/action_units.py [--demo FOLDER] [--subjects N]

Three Markdown tables: photographs of subjects that were not used for calibration, against OpenFace
2.0.6; a demo dataset (rendered unless a folder is given) against the true AUs, without and with the
neutral frame; and the agreement by confidence.
"""

import argparse
import itertools
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from action_unit_faces import Faces, demo_dataset, photographs, shared_folder

from faceprep.core.vocabulary import INTENSITY_AUS, PRESENCE_AUS
from faceprep.faces.action_units.landmark_estimator import Estimates, estimate

_SUBJECTS = 24
_FRAMES = 5
# Not used for calibration: `rendered_faces` has another seed.
_SEED = 11


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the landmark AU estimator.")
    parser.add_argument("--demo", type=Path, help="a rendered demo dataset")
    parser.add_argument("--subjects", type=int, default=_SUBJECTS, help="to render without --demo")
    arguments = parser.parse_args()
    if shared := shared_folder():
        report_photographs(photographs(shared))
    else:
        print("No shared photographs (set SHARED_FACES): only the demo dataset is measured.\n")
    if arguments.demo:
        report_demo(demo_dataset(arguments.demo))
        return
    with tempfile.TemporaryDirectory() as folder:
        render(Path(folder), arguments.subjects)
        report_demo(demo_dataset(Path(folder)))


def render(root: Path, subjects: int) -> None:
    from faceprep.demo import DemoSettings, render_demo

    render_demo(root, DemoSettings(subjects=subjects, frames=_FRAMES, seed=_SEED))


def report_photographs(photos: Mapping[str, Faces]) -> None:
    held_out = ~photos["mtcnn"].calibration_half()
    faces = {source: view[held_out] for source, view in photos.items()}
    people = len(set(faces["mtcnn"].subject))
    print(
        f"### {held_out.sum()} photographs of {people} people not calibrated on, no neutral frame\n"
    )
    found = {source: estimate(view.landmarks) for source, view in faces.items()}
    table(faces["mtcnn"], found)
    report_confidence(faces["mtcnn"], found["mtcnn"])


def report_demo(demo: Mapping[str, Faces]) -> None:
    faces = demo["mtcnn"]
    people = len(set(faces.subject))
    print(f"### Demo dataset: {len(faces.subject)} frames of {people} rendered people\n")
    found = {
        "mtcnn alone": estimate(faces.landmarks),
        "mtcnn + neutral": estimate(faces.landmarks, faces.neutral),
        "drawn points + neutral": estimate(demo["drawn"].landmarks, demo["drawn"].neutral),
    }
    table(faces, found)


def table(truth: Faces, found: Mapping[str, Estimates]) -> None:
    """Print r, mean absolute error and F1 of each AU for each kind of input.

    The columns "blind" contain the results of the best constant intensity and of constant presence.
    """
    print("| AU | occurs | blind: MAE | F1 |" + "".join(f" {n}: r | MAE | F1 |" for n in found))
    print("|---|---|---|---|" + "---|---|---|" * len(found))
    rows = []
    for index, au in enumerate(PRESENCE_AUS):
        scores = [*blind(truth, au)]
        for estimates in found.values():
            scores += score(truth, estimates, au)
        rows.append(scores)
        print(f"| {au} | {truth.presences[:, index].mean():.0%} |{cells(scores)}")
    print(f"| **mean** | |{cells(np.nanmean(np.array(rows), axis=0))}\n")


def cells(values: Sequence[float] | np.ndarray) -> str:
    return "".join(" – |" if np.isnan(value) else f" {value:.2f} |" for value in values)


def blind(truth: Faces, au: str) -> tuple[float, float]:
    """Return the mean absolute error of the median and F1 of constant presence."""
    share = truth.presences[:, PRESENCE_AUS.index(au)].mean()
    f1 = 2 * share / (1 + share) if share > 0 else np.nan
    if au not in INTENSITY_AUS:
        return np.nan, f1
    known = truth.intensities[:, INTENSITY_AUS.index(au)]
    return float(np.abs(known - np.median(known)).mean()), f1


def score(truth: Faces, found: Estimates, au: str) -> tuple[float, float, float]:
    """Return r and mean absolute error of intensities, F1 of presences; NaN if undefined."""
    present = truth.presences[:, PRESENCE_AUS.index(au)]
    claimed = found.presences[:, PRESENCE_AUS.index(au)]
    f1 = (
        2 * (present & claimed).sum() / (present.sum() + claimed.sum()) if present.any() else np.nan
    )
    if au not in INTENSITY_AUS:
        return np.nan, np.nan, f1
    known = truth.intensities[:, INTENSITY_AUS.index(au)]
    levels = found.intensities[:, INTENSITY_AUS.index(au)].astype(np.float64)
    return correlation(levels, known), float(np.abs(levels - known).mean()), f1


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return Pearson r; NaN if one of them does not vary."""
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else np.nan


def report_confidence(truth: Faces, found: Estimates) -> None:
    """Print the agreement by confidence."""
    print("| confidence | photographs | mean r | MAE |\n|---|---|---|---|")
    edges = (0.0, 0.5, 0.8, 0.95, 1.01)
    for low, high in itertools.pairwise(edges):
        rows = (found.confidence >= low) & (found.confidence < high)
        if rows.sum() < 10:
            continue
        part = Estimates(*(values[rows] for values in found))
        scores = np.array([score(truth[rows], part, au)[:2] for au in INTENSITY_AUS])
        mean_r, error = np.nanmean(scores, axis=0)
        print(f"| {low:.2f}–{min(high, 1):.2f} | {rows.sum()} | {mean_r:.2f} | {error:.2f} |")
    print()


if __name__ == "__main__":
    main()
