"""Compare edits towards the landmarks of another face with that face; results in README.md.

Pairs of neutral and peak faces of a sequence, of test people, in both directions.

python benchmarks/landmark_targets.py WORKSPACE [WORKSPACE/train/landmark-gan/generator.safetensors]
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from faceprep.core.landmarks import LEFT_EYE, RIGHT_EYE
from faceprep.core.pixels import to_unit_range
from faceprep.generators.blocks.warp import warp
from faceprep.generators.editor import Editor
from faceprep.generators.landmark_gan.geometry import landmark_flow
from faceprep.generators.store import load_generator
from faceprep.generators.targets import TargetMaker
from faceprep.metrics.expression_classifier.aligned_faces import LabelledFaces
from faceprep.metrics.workspace_faces import read_faces
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import generator_file
from faceprep.workspace.load import load


def pairs(workspace: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield a name, sources and true targets, by ``face_id``."""
    rows = load(workspace, ["select", "align"], only_ok=True)
    neutral, peak = [], []
    for _, clip in rows[rows["split"] == "test"].groupby(["dataset", "subject", "sequence"]):
        one, other = (clip.index[clip["role"] == role] for role in ("neutral", "peak"))
        if len(one) and len(other):
            neutral.append(one[0])
            peak.append(other[-1])
    yield "neutral to peak", neutral, peak
    yield "peak to neutral", peak, neutral


def faces_of(workspace: Path, ids: list[str], size: int) -> LabelledFaces:
    """Read faces with their landmarks."""
    rows = load(workspace, ["select", "align"], only_ok=True).loc[ids]
    return read_faces(Workspace(workspace), rows, size, {"landmarks"})


def similarity(made: np.ndarray, wanted: np.ndarray) -> float:
    """Return the mean SSIM of ``(N, S, S, 3) uint8``: Gaussian of 11 pixels, σ 1.5, mean of RGB."""
    a, b = (torch.from_numpy(one).permute(0, 3, 1, 2).double() for one in (made, wanted))
    profile = torch.exp(-0.5 * ((torch.arange(11.0).double() - 5) / 1.5) ** 2)
    kernel = (profile[:, None] * profile / profile.sum() ** 2).expand(3, 1, 11, 11)

    def mean(x: Tensor) -> Tensor:
        return F.conv2d(x, kernel, groups=3)

    centre = [mean(one) for one in (a, b)]
    spread = [mean(one * one) - at**2 for one, at in zip((a, b), centre, strict=True)]
    joint = mean(a * b) - centre[0] * centre[1]
    small = [(0.01 * 255) ** 2, (0.03 * 255) ** 2]
    light = (2 * centre[0] * centre[1] + small[0]) / (centre[0] ** 2 + centre[1] ** 2 + small[0])
    return float((light * (2 * joint + small[1]) / (sum(spread) + small[1])).mean())


def noise_ratio(made: np.ndarray, wanted: np.ndarray) -> float:
    """Return the mean over faces of the PSNR, dB."""
    error = np.square(made.astype(float) - wanted).mean(axis=(1, 2, 3))
    with np.errstate(divide="ignore"):
        return float(np.mean(10 * np.log10(255**2 / error)))


def distance(images: np.ndarray, wanted: LabelledFaces) -> float:
    """Return the mean distance of measured from requested landmarks, % of the eye distance."""
    assert wanted.measurements.landmarks is not None
    asked = wanted.measurements.landmarks * images.shape[1]
    found = LabelledFaces(images, wanted.template, wanted.expressions, wanted.subjects).landmarks68
    eyes = asked[:, list(RIGHT_EYE)].mean(1) - asked[:, list(LEFT_EYE)].mean(1)
    error = np.linalg.norm(found - asked, axis=2).mean(1) / np.linalg.norm(eyes, axis=1)
    return float(100 * error.mean())


def main() -> None:
    workspace = Path(sys.argv[1])
    file = Path(sys.argv[2]) if len(sys.argv) > 2 else generator_file(workspace, "landmark-gan")
    model, _ = load_generator(file)
    editor, maker = Editor(model), TargetMaker(model)
    print("| | | SSIM | PSNR, dB | landmarks, % |\n|---|---|---|---|---|")
    for name, sources, targets in pairs(workspace):
        source, target = (faces_of(workspace, ids, model.size) for ids in (sources, targets))
        wanted = target.measurements.landmarks
        assert wanted is not None
        request = maker.make_landmarks(wanted, list(target.expressions), source.measurements)
        x = to_unit_range(torch.from_numpy(source.images).permute(0, 3, 1, 2))
        flow = landmark_flow(
            request.require("source_landmarks"), request.require("landmarks"), model.size
        )
        warped = ((warp(x, flow) + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        rows = {
            "copy of the source": source.images,
            "warp by the landmarks": warped.permute(0, 2, 3, 1).numpy(),
            "edit": editor.apply(source.images, request),
            "true target": target.images,
        }
        for row, images in rows.items():
            same, ratio = (rate(images, target.images) for rate in (similarity, noise_ratio))
            far = distance(images, target)
            print(f"| {name} | {row} | {same:.3f} | {ratio:.1f} | {far:.1f} |")


if __name__ == "__main__":
    main()
