"""Compare OpenFace's models on sequences with its program, and between settings.

    python benchmarks/openface_sequences.py program --models DIR --clip CSV FRAMES [--clip …]
    python benchmarks/openface_sequences.py settings --models DIR WORKSPACE ONE OTHER

``program``: CSV is the output of ``FeatureExtraction -fdir FRAMES -2Dfp -aus``. The values are
recomputed from the frames with its landmarks (rounded to 0.1 pixel) and with those of faceprep.

``settings``: all aligned faces of a workspace with two settings of ``aus``, such as
``input=source input=crop`` or ``sequences=dynamic sequences=static,landmarks=align``.

DIR is a copy of OpenFace's ``AU_predictors``.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from faceprep.config import Config
from faceprep.core.images import read_image
from faceprep.core.vocabulary import COLUMNS_C, COLUMNS_R, INTENSITY_AUS
from faceprep.faces.action_units.backend import AUResult, FaceInput
from faceprep.faces.action_units.openface.models.au_models import AUModels, load_models
from faceprep.faces.action_units.openface.models.backend import ModelsBackend
from faceprep.faces.action_units.openface.models.descriptor import describe
from faceprep.faces.action_units.openface.models.sequence_estimator import SequenceEstimator
from faceprep.faces.dlib.landmark_predictor import LandmarkPredictor
from faceprep.faces.mtcnn.detector import MTCNN
from faceprep.faces.photographs import landmarks_in_crop
from faceprep.workspace import Workspace

_BATCH = 32

Estimates = tuple[np.ndarray, np.ndarray]
"""Intensities (n, 17) and presences (n, 18)."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    program = verbs.add_parser("program", help="against FeatureExtraction's CSV files")
    program.add_argument("--clip", nargs=2, type=Path, action="append", required=True)
    settings = verbs.add_parser("settings", help="one setting of aus against another")
    settings.add_argument("workspace", type=Path, help="select and align are done")
    settings.add_argument("settings", nargs=2, help="key=value[,key=value] of [aus]")
    for verb in (program, settings):
        verb.add_argument("--models", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.verb == "program":
        for table, frames in arguments.clip:
            against_program(table, frames, load_models(arguments.models))
    else:
        against_itself(arguments.workspace, arguments.settings, arguments.models)


def against_program(path: Path, folder: Path, models: AUModels) -> None:
    table = pd.read_csv(path, skipinitialspace=True)
    frames = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if len(frames) != len(table):
        raise SystemExit(f"{path} has {len(table)} rows, {folder} {len(frames)} frames")
    theirs = table[list(COLUMNS_R)].to_numpy(), table[list(COLUMNS_C)].to_numpy() > 0.5
    points = np.stack([table[[f"{a}_{k}" for k in range(68)]].to_numpy() for a in "xy"], axis=-1)
    points[table["success"] == 0] = np.nan
    print(
        f"\n### {path.stem}: {len(frames)} frames, {(table['success'] == 0).sum()} without a face\n"
    )
    started = time.perf_counter()
    from_theirs = estimate_aus(frames, points, models)
    each = (time.perf_counter() - started) / len(frames) * 1000
    report(
        theirs, {"its landmarks": from_theirs, "ours": estimate_aus(frames, find(frames), models)}
    )
    print(f"\n{each:.1f} ms a frame from its landmarks, one thread, reading included.")


def estimate_aus(frames: Sequence[Path], landmarks: np.ndarray, models: AUModels) -> Estimates:
    estimator = SequenceEstimator(models.dynamic)
    for start in range(0, len(frames), _BATCH):
        part = slice(start, start + _BATCH)
        seen = describe(map(read_image, frames[part]), landmarks[part], models)
        estimator.add(seen.hog, seen.geometry, seen.fitted)
    return estimator.estimate()


def find(frames: Sequence[Path]) -> np.ndarray:
    """Find landmarks of the largest face, ``(n, 68, 2)``; NaN without a face."""
    detector, predictor = MTCNN(), LandmarkPredictor()
    points = np.full((len(frames), 68, 2), np.nan)
    for k, path in enumerate(frames):
        image = read_image(path)
        if faces := detector.detect([image])[0]:
            face = max(faces, key=lambda face: face.box[2] * face.box[3])
            points[k] = predictor.predict(image, face)
    return points


def against_itself(root: Path, both: Sequence[str], models: Path) -> None:
    workspace = Workspace(root)
    faces = list(aligned_faces(workspace))
    found = {}
    for text in both:
        results = run(workspace, faces, text, models)
        found[text] = results
        failed = sum(result.reason is not None for result in results)
        print(f"{text}: {len(faces)} faces, {failed} failed, {variants(results)}")
    good = [k for k in range(len(faces)) if all(f[k].reason is None for f in found.values())]
    one, other = (
        (
            np.stack([results[k].intensities for k in good]),
            np.stack([results[k].presences for k in good]),
        )
        for results in found.values()
    )
    print()
    report(one, {both[1]: other})


def aligned_faces(workspace: Workspace) -> Iterator[FaceInput]:
    for shard in workspace.shards("align"):
        select, align = (workspace.read(s, shard).to_pylist() for s in ("select", "align"))
        for selected, aligned in zip(select, align, strict=True):
            if aligned["status"] == "ok":
                yield FaceInput(landmarks_in_crop(aligned), None, selected, aligned)


def run(
    workspace: Workspace, faces: Sequence[FaceInput], text: str, models: Path
) -> list[AUResult]:
    aus = dict(pair.split("=", 1) for pair in text.split(","))
    root = workspace.info("select")["root"]
    config = Config.model_validate(
        {
            "name": "benchmark",
            "workspace": workspace.root,
            "select": {"root": root, "dataset": faces[0].select["dataset"]},
            "aus": {"openface_models": models, **aus},
        }
    )
    with tempfile.TemporaryDirectory() as scratch:
        return ModelsBackend().run(faces, config, Path(scratch))


def variants(results: Sequence[AUResult]) -> str:
    return ", ".join(sorted({result.variant for result in results if result.variant}))


def report(truth: Estimates, found: dict[str, Estimates]) -> None:
    """Print r, mean absolute error and equal presences of each AU, in Markdown."""
    print("| AU | present |" + "".join(f" {name}: r | MAE | `_c` equal |" for name in found))
    print("|---|---|" + "---|---|---|" * len(found))
    names = [*COLUMNS_C]
    for name in names:
        au, present = name[:4], truth[1][:, names.index(name)]
        cells = "".join(cell(truth, other, au) for other in found.values())
        print(f"| {au} | {present.mean():.0%} |{cells}")
    cells = "".join(
        f" **{np.nanmean(correlations(truth[0], r)):.4f}** | {np.abs(truth[0] - r).mean():.4f}"
        f" | {(truth[1] == c).mean():.1%} |"
        for r, c in found.values()
    )
    print(f"| mean | |{cells}")


def cell(truth: Estimates, other: Estimates, au: str) -> str:
    same = (truth[1] == other[1])[:, COLUMNS_C.index(f"{au}_c")].mean()
    if au not in INTENSITY_AUS:
        return f" – | – | {same:.1%} |"
    k = INTENSITY_AUS.index(au)
    r = correlations(truth[0], other[0])[k]
    text = "–" if np.isnan(r) else f"{r:.4f}"
    return f" {text} | {np.abs(truth[0] - other[0])[:, k].mean():.4f} | {same:.1%} |"


def correlations(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return Pearson r of each AU, NaN if one of the two is constant."""
    return np.array(
        [
            np.corrcoef(a, b)[0, 1] if a.std() > 0 and b.std() > 0 else np.nan
            for a, b in zip(one.T, other.T, strict=True)
        ]
    )


if __name__ == "__main__":
    main()
