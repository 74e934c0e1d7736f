"""Training faces in memory, their order in training, and pairs of faces of the same person."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from faceprep.core.errors import FaceprepError, Hint
from faceprep.core.pixels import to_unit_range

_RESIZED_AT_ONCE = 256


@dataclass(frozen=True)
class Crops:
    """All training faces on a device.

    Attributes
    ----------
    images
        ``(N, 3, S, S) uint8`` RGB.
    labels
        ``(N,) int64`` indices into `classes`.
    classes
        Expressions in the order of the labels.
    subjects
        Subject of every face.
    fingerprint
        SHA-256 of names, labels, pixels and measurements.
    action_units
        ``(N, 17) float32`` intensities in [0, 5], for generators driven by them.
    landmarks
        ``(N, 68, 2) float32`` pixels divided by the side of the crop, likewise.
    sequences
        Sequence of every face, likewise; None: not known.
    """

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    subjects: tuple[str, ...]
    fingerprint: str
    action_units: Tensor | None = None
    landmarks: Tensor | None = None
    sequences: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def size(self) -> int:
        """Side, pixels."""
        return int(self.images.shape[-1])

    def batch(self, indices: Tensor, flips: Tensor | None = None) -> Tensor:
        """Return faces ``(B, 3, S, S) float32`` in [-1, 1], mirrored if `flips` is true."""
        x = to_unit_range(self.images[indices.to(self.images.device)])
        if flips is None:
            return x
        return torch.where(flips.to(x.device)[:, None, None, None], x.flip(3), x)

    def one_hot(self, indices: Tensor) -> Tensor:
        """Return labels ``(B, K)`` in {0, 1}."""
        return F.one_hot(self.labels[indices.to(self.labels.device)], len(self.classes)).float()

    def examples(self, count: int) -> Tensor:
        """Return indices of up to `count` faces of different subjects, expressions in turn."""
        labels = self.labels.tolist()
        chosen: list[int] = []
        people: set[str] = set()
        for k in range(count):
            wanted = k % len(self.classes)
            for index, (label, subject) in enumerate(zip(labels, self.subjects, strict=True)):
                if label == wanted and subject not in people:
                    chosen.append(index)
                    people.add(subject)
                    break
        return torch.tensor(chosen or [0])

    def spaced(self, count: int) -> Tensor:
        """Return indices of up to `count` evenly spaced faces."""
        return torch.arange(0, len(self), max(len(self) // count, 1))[:count]

    def other_labels(self) -> Tensor:
        """Return another expression in the sequence of every face, ``(N,)``; its own if none."""
        labels = self.labels.cpu()
        found = labels.clone()
        members: dict[str, list[int]] = {}
        for place, name in enumerate(self.sequences or ()):
            members.setdefault(name, []).append(place)
        for places in members.values():
            shown = labels[places]
            for place in places:
                others = shown[shown != labels[place]]
                if len(others):
                    found[place] = others[0]
        return found

    def counts(self) -> dict[str, int]:
        """Return the number of faces of every expression."""
        numbers = torch.bincount(self.labels, minlength=len(self.classes)).tolist()
        return dict(zip(self.classes, numbers, strict=True))


def make_crops(
    pictures: Sequence[np.ndarray],
    names: Sequence[str],
    labels: Sequence[str],
    subjects: Sequence[str],
    classes: Sequence[str],
    size: int,
    device: torch.device | str = "cpu",
    action_units: np.ndarray | None = None,
    landmarks: np.ndarray | None = None,
    sequences: Sequence[str] | None = None,
    again: Hint = "align the faces again",
) -> Crops:
    """Resize faces and copy them to a device.

    Parameters
    ----------
    pictures
        ``(H, H, 3) uint8`` RGB each, all of one size.
    names, labels, subjects
        One value per face.
    classes
        Expressions in the order of the labels; every label is one of them.
    action_units, landmarks
        ``(N, 17)`` intensities, ``(N, 68, 2)`` pixels of the pictures; None if not needed.
    sequences
        One sequence per face; None if not needed.
    again
        Hint of the error.

    Raises
    ------
    FaceprepError
        The pictures differ in size.
    """
    shapes = sorted({picture.shape for picture in pictures})
    if len(shapes) > 1:
        raise FaceprepError(f"crops have sizes {shapes}", again)
    parts = [
        resize(torch.from_numpy(np.stack(pictures[at : at + _RESIZED_AT_ONCE])), size)
        for at in range(0, len(pictures), _RESIZED_AT_ONCE)
    ]
    images = torch.cat(parts) if parts else torch.zeros(0, 3, size, size, dtype=torch.uint8)
    places = {name: index for index, name in enumerate(classes)}
    numbers = torch.tensor([places[label] for label in labels], dtype=torch.int64)
    digest = hashlib.sha256(repr([tuple(classes), size, list(names)]).encode())
    digest.update(numbers.numpy().tobytes())
    digest.update(images.numpy().data)
    driving = [
        None if each is None else np.array(each, np.float32) for each in (action_units, landmarks)
    ]
    if driving[1] is not None:
        driving[1] = driving[1] / np.float32(pictures[0].shape[0])
    for each in driving:
        digest.update(b"" if each is None else each.tobytes())
    if sequences is not None:
        digest.update(repr(list(sequences)).encode())
    tensors = [None if each is None else torch.from_numpy(each).to(device) for each in driving]
    return Crops(
        images.to(device),
        numbers.to(device),
        tuple(classes),
        tuple(subjects),
        digest.hexdigest(),
        action_units=tensors[0],
        landmarks=tensors[1],
        sequences=None if sequences is None else tuple(sequences),
    )


def resize(pictures: Tensor, size: int) -> Tensor:
    """Reduce ``(N, H, W, 3) uint8`` to ``(N, 3, S, S) uint8``.

    The filter is a triangle as wide as the reduction (Pillow's bilinear), in float32 on the CPU:
    other libraries differ enough to change a classifier's accuracy.
    """
    planes = pictures.permute(0, 3, 1, 2)
    if planes.shape[2:] == (size, size):
        return planes.contiguous()
    reduced = F.interpolate(planes.float(), size=(size, size), mode="bilinear", antialias=True)
    return reduced.round().clamp(0, 255).to(torch.uint8).contiguous()


class Order:
    """Choose the faces of a step and their mirroring.

    Parameters
    ----------
    random
        Random stream that is saved in checkpoints (`random_state.Streams`).
    seed
        Seed of the order of an epoch, together with the number of the epoch.
    """

    def __init__(self, labels: Tensor, random: np.random.Generator, seed: int) -> None:
        self.random, self.seed = random, seed
        numbers = labels.cpu().numpy()
        self.total = len(numbers)
        present, counts = np.unique(numbers, return_counts=True)
        self.by_class = np.argsort(numbers, kind="stable")
        self.counts, self.starts = counts, np.cumsum(counts) - counts
        self.present = present

    def even(self, batch: int) -> tuple[Tensor, Tensor]:
        """Draw expressions uniformly, then a face of each; return indices and flips ``(B,)``."""
        group = self.random.integers(len(self.present), size=batch)
        place = np.floor(self.random.random(batch) * self.counts[group]).astype(np.int64)
        return self._taken(self.by_class[self.starts[group] + place])

    def epoch(self, batch: int, step: int, stage: int) -> tuple[Tensor, Tensor]:
        """Return batch `step` of a phase; every epoch shows every face once, in whole batches."""
        number, place = divmod(step, self.total // batch)
        shuffled = np.random.default_rng([self.seed, stage, number]).permutation(self.total)
        return self._taken(shuffled[place * batch : (place + 1) * batch])

    def _taken(self, indices: np.ndarray) -> tuple[Tensor, Tensor]:
        flips = self.random.random(len(indices)) < 0.5
        return torch.from_numpy(indices), torch.from_numpy(flips)


class SamePersonPairs:
    """Index of the faces of every person by expression.

    Parameters
    ----------
    subjects, labels
        Subject and label (index into the classes) of every face.
    classes
        Number of expressions.
    """

    def __init__(self, subjects: Sequence[str], labels: Tensor, classes: int) -> None:
        self.person = np.unique(np.array(subjects, str), return_inverse=True)[1].astype(np.int64)
        group = self.person * classes + labels.cpu().numpy()
        self.classes = classes
        self.order = np.argsort(group, kind="stable")
        self.counts = np.bincount(group, minlength=classes)
        self.starts = np.cumsum(self.counts) - self.counts

    def __bool__(self) -> bool:
        """Return whether any person has two expressions."""
        groups = np.flatnonzero(self.counts)
        return len(np.unique(groups // self.classes)) < len(groups)

    def take(
        self, indices: Tensor, labels: Tensor, random: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Draw a face of the same person with another expression.

        Parameters
        ----------
        indices, labels
            ``(B,)`` faces, and the requested expressions.
        random
            Random stream; B numbers are drawn.

        Returns
        -------
        ``(B,)`` indices, and ``(B,)`` bool: false without such a face (index of the face itself).
        """
        own = indices.cpu().numpy()
        place = random.random(len(own))
        group = self.person[own] * self.classes + labels.cpu().numpy()
        inside = group < len(self.counts)
        group = np.where(inside, group, 0)
        counts = np.where(inside, self.counts[group], 0)
        found = self.order[
            np.minimum(self.starts[group] + np.floor(place * counts), len(self.order) - 1).astype(
                np.int64
            )
        ]
        return torch.from_numpy(np.where(counts > 0, found, own)), torch.from_numpy(counts > 0)


class ExpressionPairs:
    """Faces of the same person with another expression, also in the same sequence."""

    def __init__(self, crops: Crops) -> None:
        classes = len(crops.classes)
        self.labels, self.nearby = crops.labels.cpu(), crops.other_labels()
        self.people = SamePersonPairs(crops.subjects, crops.labels, classes)
        self.clips = SamePersonPairs(crops.sequences or crops.subjects, crops.labels, classes)

    def in_sequence(self, indices: Tensor, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Draw other expressions of the sequence; returns as `SamePersonPairs.take`."""
        near, found = self.clips.take(indices, self.nearby[indices], random)
        return near, found & (self.nearby[indices] != self.labels[indices])
