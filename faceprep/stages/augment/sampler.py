"""Fill blocks of a schedule with faces that pass the quality filter.

Blocks begin at fixed indices and are always computed whole: the last digits of a network's output,
and so the rounded pixels, depend on the batch size.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from faceprep.config import Config
from faceprep.core.errors import Again, FaceprepError
from faceprep.core.files import file_sha256
from faceprep.core.marks import MARK
from faceprep.generators.store import load_trained
from faceprep.stages.augment.candidates import Candidate, CandidateMaker
from faceprep.stages.augment.schedule import Schedule
from faceprep.workspace.artifacts import generator_name
from faceprep.workspace.discover import trained_file
from faceprep.workspace.manifest import Row

if TYPE_CHECKING:
    from faceprep.stages.augment.quality_filter import QualityFilter, Verdict

#: Batch size of the networks, faces.
BLOCK = {"cpu": 16, "cuda": 256}


@dataclass
class _Chosen:
    """The best candidate of a slot so far, and the number of rejected candidates by reason."""

    best: Candidate | None = None
    score: float = -np.inf
    passed: bool = False
    note: str = ""
    rejected: dict[str, int] = field(default_factory=lambda: {"judge": 0, "features": 0})

    def add(self, candidate: Candidate, verdict: "Verdict", row: int) -> None:
        """Keep the candidate if it passes or is better than the earlier ones."""
        if verdict.passed[row]:
            self.best, self.passed = candidate, True
            return
        self.rejected["judge"] += int(not verdict.classifier_agrees[row])
        self.rejected["features"] += int(not verdict.looks_real[row])
        if self.best is None or verdict.score[row] > self.score:
            self.best, self.score = candidate, float(verdict.score[row])
            self.note = verdict.notes[row]


class Sampler:
    """Generate the synthetic faces of a run.

    `config`: with ``[augment]`` and ``[train]``.
    `checkpoint`: SHA-256 of the generator's file.
    `device`: ``cpu`` or ``cuda``.
    `quality`: filter that faces must pass; None for no filter.
    Raises `FaceprepError`: the generator's file has another hash.
    """

    def __init__(
        self, config: Config, checkpoint: str, device: str, quality: "QualityFilter | None" = None
    ) -> None:
        self.settings = config.augment
        self.name = generator_name(config.train.generator, config.train.fold)
        self.checkpoint, self.device, self.quality = checkpoint, torch.device(device), quality
        if file_sha256(trained_file(config.workspace, self.name)) != checkpoint:
            raise FaceprepError("the generator has changed since the command began", Again())
        generator, file = load_trained(config.workspace, self.name, device)
        self.classes = generator.classes
        self.candidates = CandidateMaker(config, generator, file, self.device)
        self.schedule = Schedule(len(self.classes), self.settings.shares())
        self._features: Any = None

    @property
    def block(self) -> int:
        """Number of faces in a block."""
        return BLOCK[self.device.type]

    def make(self, first: int, count: int) -> tuple[list[Row], np.ndarray]:
        """Generate a block of faces.

        Returns rows without paths, and pixels ``(count, S, S, 3) uint8``.
        """
        pending = self.schedule.slots(first, count)
        chosen = {slot.index: _Chosen() for slot in pending}
        for number in range(self.settings.tries if self.quality else 1):
            candidates = self.candidates.make(pending, number)
            if self.quality is None:
                for one in candidates:
                    chosen[one.slot.index] = _Chosen(one, passed=True)
                break
            verdict = self._verdict(candidates)
            for row, one in enumerate(candidates):
                chosen[one.slot.index].add(one, verdict, row)
            pending = [slot for slot in pending if not chosen[slot.index].passed]
            if not pending:
                break
        rows = [self._row(one) for one in chosen.values()]
        return rows, np.stack([cast(Candidate, one.best).pixels for one in chosen.values()])

    def text(self, row: Row) -> dict[str, str]:
        """Return the text metadata of a face's PNG file."""
        return {
            **MARK,
            "Comment": "synthetic face, made by a generator; nobody was photographed",
            "synthetic": "true",
            "generator": self.name,
            "checkpoint": self.checkpoint,
            "seed": str(self.settings.seed),
            "index": str(row["index"]),
        }

    def _verdict(self, candidates: Sequence[Candidate]) -> "Verdict":
        quality = cast("QualityFilter", self.quality)
        if quality.real is not None and self._features is None:
            from faceprep.faces.features import load_features

            self._features = load_features(device=self.device, template=quality.template)
        images = np.stack([one.pixels for one in candidates])
        names = [self.classes[one.slot.label] for one in candidates]
        return quality(images, names, self._features)

    def _row(self, chosen: _Chosen) -> Row:
        face = cast(Candidate, chosen.best)
        slot = face.slot
        sources = self.candidates.sources
        note = f"the best of {self.settings.tries}: {chosen.note}"
        return {
            "face_id": f"{self.name}/{self.settings.seed}/{slot.index:07d}",
            "status": "ok" if chosen.passed else "doubtful",
            "reason": None if chosen.passed else note,
            "index": slot.index,
            "generator": self.name,
            "checkpoint": self.checkpoint,
            "mode": slot.mode,
            "expression": self.classes[slot.label],
            "intensity": face.intensity,
            "code": face.code.tolist(),
            "source_face_id": None if face.source is None else sources[slot.mode].ids[face.source],
            "seed": self.settings.seed,
            "rejected_judge": chosen.rejected["judge"],
            "rejected_features": chosen.rejected["features"],
        }
