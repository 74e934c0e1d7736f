"""Train the network that moves dlib's 68 points to OpenFace's, and measure its effect on AUs.

    python tools/learn_openface_landmarks.py --openface OPENFACE/bin --work FOLDER
        [--models OPENFACE/…/AU_predictors] [--folds] [--held-out] [--write]

The training data are the points of OpenFace 2.0.6 (``FaceLandmarkImg -mloc
model/main_clnf_general.txt``) on the photographs of ``../shared`` and on versions and composites of
them (`openface_training_faces`). Two fifths of the subjects, selected by a hash of their names, are
held out: no training image shows them. They are only evaluated with ``--held-out``. ``--folds``
performs five-fold cross-validation over the other subjects.

`OPENFACE/bin` contains ``FaceLandmarkImg`` and ``model``. Generated images and features are kept in
`FOLDER`. The run takes about fifteen minutes on two cores, most of it for the images.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from openface_examples import FOLDS, Examples, Reference, examples_of, generated
from torch import Tensor, nn

from faceprep.core.landmarks import FLIP_68
from faceprep.core.vocabulary import INTENSITY_AUS
from faceprep.faces.action_units.openface.models import landmark_network
from faceprep.faces.action_units.openface.models import landmarks as refinement
from faceprep.faces.action_units.openface.models.au_models import AUModels, load_models
from faceprep.faces.action_units.openface.models.descriptor import describe, predict_stills
from faceprep.faces.dlib.detector import DlibHOG
from faceprep.faces.mtcnn.detector import MTCNN

VERSIONS, COMPOSITES = 10_000, 4_000
LOCAL, HIDDEN = 16, 256
EPOCHS, BATCH = 25, 128
LEARNING_RATE, WEIGHT_DECAY, DROPOUT = 1e-3, 1e-2, 0.3
_FEATURE_GAIN = 4.0  # scales the features to a spread of about one
_ROUND = 0.01  # eye distances; smaller errors are squared
_MAX_START_ERROR = 0.5  # largest initial error in eye distances; otherwise it is another face


class Network(nn.Module):
    """Trainable form of `landmark_network.LandmarkNetwork`."""

    def __init__(self) -> None:
        super().__init__()
        seen = 68 * LOCAL + 136
        self.local = nn.Parameter(
            torch.randn(68, refinement.FEATURES, LOCAL) / refinement.FEATURES**0.5
        )
        self.local_bias = nn.Parameter(torch.zeros(68, LOCAL))
        self.hidden = nn.Linear(seen, HIDDEN)
        self.output = nn.Linear(HIDDEN, 136)
        self.straight = nn.Linear(seen, 136, bias=False)
        with torch.no_grad():
            self.output.weight *= 0.1
            self.straight.weight *= 0.1
            self.output.bias.zero_()

    def forward(self, features: Tensor, shape: Tensor) -> Tensor:
        """Return displacements (n, 68, 2) from features (n, 68, 128) and shapes (n, 68, 2)."""
        drop = nn.functional.dropout
        local = torch.einsum("nld,ldq->nlq", features * _FEATURE_GAIN, self.local) + self.local_bias
        local = nn.functional.leaky_relu(local, float(landmark_network.SLOPE))
        seen = torch.cat([local.flatten(1), shape.flatten(1) * landmark_network.SHAPE_GAIN], dim=1)
        seen = drop(seen, DROPOUT, self.training)
        hidden = drop(torch.relu(self.hidden(seen)), DROPOUT, self.training)
        return (self.output(hidden) + self.straight(seen)).view(-1, 68, 2)


def train(examples: Examples, seed: int = 0) -> Network:
    """Train a network; the loss is the mean distance of the points."""
    near = np.linalg.norm(examples.moves, axis=2).mean(axis=1) < _MAX_START_ERROR
    features, shape, moves = (
        torch.from_numpy(values[near])
        for values in (examples.features, examples.shape, examples.moves)
    )
    torch.manual_seed(seed)
    network = Network()
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    batches = len(shape) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, EPOCHS * batches, pct_start=0.15
    )
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(shape))[: batches * BATCH].view(batches, BATCH):
            error = network(features[batch].float(), shape[batch]) - moves[batch]
            loss = torch.sqrt((error**2).sum(dim=2) + _ROUND**2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()


def pack(network: Network, mean: np.ndarray) -> dict[str, np.ndarray]:
    """Convert a network to the arrays of ``landmarks.npz``: int8 matrices with column scales."""
    matrices = {
        "local": network.local * _FEATURE_GAIN,
        "hidden": network.hidden.weight.T,
        "output": network.output.weight.T,
        "straight": network.straight.weight.T,
    }
    vectors = {
        "local_bias": network.local_bias,
        "hidden_bias": network.hidden.bias,
        "output_bias": network.output.bias,
    }
    stored = {name: v.detach().numpy().astype(np.float32) for name, v in vectors.items()}
    stored["mean_shape"] = mean
    for name, matrix in matrices.items():
        values = matrix.detach().numpy()
        scale = (np.abs(values).max(axis=-2, keepdims=True) / 127).astype(np.float32)
        stored[name] = np.rint(values / scale).astype(np.int8)
        stored[f"{name}_scale"] = scale
    return stored


def mean_shape(points: np.ndarray) -> np.ndarray:
    """Return the symmetric mean of ``(N, 68, 2)`` points after alignment by similarities."""
    both = np.concatenate([points, points[:, FLIP_68] * [-1, 1]])
    flat = (both - both.mean(axis=1, keepdims=True)) @ [1, 1j]
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    mean = flat[0]
    for _ in range(20):
        turn = (flat.conj() * mean).sum(axis=1)
        mean = (flat * (turn / np.abs(turn))[:, None]).mean(axis=0)
        mean /= np.linalg.norm(mean)
    shape = np.stack([mean.real, mean.imag], axis=1)
    shape = (shape + shape[FLIP_68] * [-1, 1]) / 2
    shape *= np.sign(shape[45, 0] - shape[36, 0]) / np.linalg.norm(shape[45] - shape[36])
    return np.asarray(shape - refinement.centre(shape))


def refine_with(
    reference: Reference, selected: np.ndarray, starts: np.ndarray, stored: dict[str, np.ndarray]
) -> np.ndarray:
    """Refine the points of photographs with weights that are not in the package."""
    net = landmark_network.unpack(stored)
    return np.stack([refinement.refine(reference.image(k), starts[k], net) for k in selected])


def report(name: str, reference: Reference, selected: np.ndarray, points: np.ndarray,
           models: AUModels | None) -> None:  # fmt: skip
    """Print one row: point error in eye distances, mean r, r of each AU."""
    truth = reference.points[selected]
    eyes = np.linalg.norm(truth[:, 36] - truth[:, 45], axis=1)
    error = np.linalg.norm(points - truth, axis=2).mean(axis=1) / eyes
    row = (
        f"{name:28} n {len(selected):4} error median {np.median(error):.4f} mean {error.mean():.4f}"
    )
    if models is not None:
        pictures = (reference.image(k) for k in selected)
        found, _ = predict_stills(describe(pictures, points, models), models)
        r = [np.corrcoef(found.T[k], reference.intensities[selected].T[k])[0, 1] for k in range(17)]
        each = " ".join(f"{au[2:]} {value:.3f}" for au, value in zip(INTENSITY_AUS, r, strict=True))
        row += f"  r {np.mean(r):.4f}  {each}"
    print(row, flush=True)


def folds(
    reference: Reference, examples: Examples, starts: np.ndarray, mean: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the photographs of each fold and their points, refined by the other folds."""
    usable = ~reference.held_out & np.isfinite(starts).all(axis=(1, 2))
    for fold in range(FOLDS):
        selected = np.flatnonzero(usable & (reference.fold == fold))
        network = train(examples[reference.fold[examples.photograph] != fold])
        yield selected, refine_with(reference, selected, starts, pack(network, mean))


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    models = load_models(options.models) if options.models else None
    reference, detector = Reference(options.shared), MTCNN()
    starts = reference.starts(detector)
    found = np.isfinite(starts).all(axis=(1, 2))
    trained = np.flatnonzero(found & ~reference.held_out)
    mean = mean_shape(starts[trained])
    examples = Examples.joined(
        [
            examples_of(
                lambda k: reference.image(trained[k]),
                starts[trained], reference.points[trained], trained, mean,
            ),
            *(
                generated(reference, kind, count, work=options.work, openface=options.openface,
                          detector=detector, mean=mean)
                for kind, count in (("versions", VERSIONS), ("composites", COMPOSITES))
            ),
        ]
    )  # fmt: skip
    print(f"{len(examples.shape)} examples of {len(trained)} photographs")
    if options.folds:
        parts = list(folds(reference, examples, starts, mean))
        selected, points = (np.concatenate(column) for column in zip(*parts, strict=True))
        report("dlib, cross-validation", reference, selected, starts[selected], models)
        report("refined, cross-validation", reference, selected, points, models)
    stored = pack(train(examples), mean)
    if options.write:
        path = Path(landmark_network.__file__).with_name(landmark_network.WEIGHTS)
        np.savez_compressed(path, **stored)
        print(f"{path}: {path.stat().st_size} bytes")
    if options.held_out:
        for name, initial in (("mtcnn", starts), ("dlib", reference.starts(DlibHOG()))):
            selected = np.flatnonzero(np.isfinite(initial).all(axis=(1, 2)) & reference.held_out)
            report(f"{name}, dlib's, held out", reference, selected, initial[selected], models)
            points = refine_with(reference, selected, initial, stored)
            report(f"{name}, refined, held out", reference, selected, points, models)


def _options() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--openface", type=Path, required=True, help="folder of FaceLandmarkImg")
    arguments.add_argument("--work", type=Path, required=True, help="folder for generated files")
    arguments.add_argument("--shared", type=Path, default=Path("../shared"))
    arguments.add_argument("--models", type=Path, help="AU_predictors, to evaluate AUs")
    arguments.add_argument("--folds", action="store_true", help="cross-validate")
    arguments.add_argument("--held-out", action="store_true", help="evaluate the held-out subjects")
    arguments.add_argument("--write", action="store_true", help="write the package's file")
    return arguments.parse_args()


if __name__ == "__main__":
    main()
