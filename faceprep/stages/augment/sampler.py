"""A generator at work: places in, pictures and rows out.

Faces are computed in blocks that begin at fixed places and are always computed whole: a network's
last digits depend on how many images go through it together, and a rounded pixel on them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from faceprep.config import Config
from faceprep.core.errors import FaceprepError, Remedy
from faceprep.core.files import file_sha256
from faceprep.core.pixels import to_unit_range
from faceprep.generators.blocks.layers import channels_last
from faceprep.generators.calibration import calibration_of
from faceprep.generators.editor import to_pixels
from faceprep.generators.trained import load_trained
from faceprep.stages.augment.schedule import Draw, Schedule, Slot, SourceOrder, draw, magnitudes
from faceprep.stages.augment.sources import Sources, find_sources
from faceprep.workspace.artifacts import generator_name
from faceprep.workspace.discover import trained_file
from faceprep.workspace.manifest import Row

if TYPE_CHECKING:
    from faceprep.stages.augment.quality_filter import QualityFilter, Verdict

#: Faces that go through the networks together.
BLOCK = {"cpu": 16, "cuda": 256}

# Sources kept in memory between blocks, bytes.
_CACHE_BYTES = 64 << 20


@dataclass
class Candidate:
    """A face that was made for a slot.

    Attributes
    ----------
    slot, drawn
        Its place and its random numbers.
    code : (K·d,)
        Expression code.
    intensity
        As it is noted down.
    source
        Row of its source; None of a new face.
    pixels
        ``(S, S, 3) uint8``.
    """

    slot: Slot
    drawn: Draw
    intensity: float
    code: np.ndarray
    source: int | None
    pixels: np.ndarray


@dataclass
class _Kept:
    """The best candidate of a slot so far, and what became of the others."""

    best: Candidate | None = None
    score: float = -np.inf
    passed: bool = False
    note: str = ""
    rejected: dict[str, int] = field(default_factory=lambda: {"judge": 0, "features": 0})


class Studio:
    """Makes the synthetic faces of a run.

    Parameters
    ----------
    config
        With ``[augment]`` and ``[train]``.
    checkpoint
        SHA-256 of the generator's file.
    device
        ``cpu`` or ``cuda``.
    quality
        What a face has to pass; None: nothing.
    """

    def __init__(
        self, config: Config, checkpoint: str, device: str, quality: "QualityFilter | None" = None
    ) -> None:
        self.settings = config.augment
        self.name = generator_name(config.train.generator, config.train.fold)
        self.checkpoint, self.device, self.quality = checkpoint, torch.device(device), quality
        if file_sha256(trained_file(config.workspace, self.name)) != checkpoint:
            raise FaceprepError(
                "the generator has changed since the command began", "type the same command again"
            )
        generator, file = load_trained(config.workspace, self.name, device)
        channels_last(cast("nn.Module", generator))
        self.generator = generator
        self.calibration = calibration_of(file.extra)
        shares = self.settings.shares()
        self.schedule = Schedule(len(generator.classes), shares)
        self.sources: dict[str, Sources] = {
            mode: find_sources(config, mode) for mode in shares if mode != "new"
        }
        self.orders = {mode: self._order(mode) for mode in self.sources}
        self._images: dict[tuple[str, int], Tensor] = {}
        self._features: Any = None

    @property
    def block(self) -> int:
        """Faces of a block."""
        return BLOCK[self.device.type]

    def make(self, first: int, count: int) -> tuple[list[Row], np.ndarray]:
        """Make a block of faces.

        Returns
        -------
        Rows without paths, and pixels ``(count, S, S, 3) uint8``.
        """
        pending = self.schedule.slots(first, count)
        kept = {slot.index: _Kept() for slot in pending}
        for number in range(self.settings.tries if self.quality else 1):
            candidates = self._candidates(pending, number)
            if self.quality is None:
                for made in candidates:
                    kept[made.slot.index] = _Kept(made, passed=True)
                break
            verdict = self._verdict(candidates)
            for row, made in enumerate(candidates):
                _keep(kept[made.slot.index], made, verdict, row)
            pending = [slot for slot in pending if not kept[slot.index].passed]
            if not pending:
                break
        rows = [self._row(one) for one in kept.values()]
        return rows, np.stack([cast(Candidate, one.best).pixels for one in kept.values()])

    def text(self, row: Row) -> dict[str, str]:
        """Words that go into a face's PNG file."""
        return {
            "Comment": "synthetic face, made by a generator; nobody was photographed",
            "synthetic": "true",
            "generator": self.name,
            "checkpoint": self.checkpoint,
            "seed": str(self.settings.seed),
            "index": str(row["index"]),
        }

    def _candidates(self, slots: Sequence[Slot], number: int) -> list[Candidate]:
        found: dict[int, Candidate] = {}
        for mode in self.settings.shares():
            some = [slot for slot in slots if slot.mode == mode]
            found |= {made.slot.index: made for made in self._of_mode(mode, some, number)}
        return [found[slot.index] for slot in slots]

    def _of_mode(self, mode: str, slots: Sequence[Slot], number: int) -> list[Candidate]:
        if not slots:
            return []
        settings, generator = self.settings, self.generator
        drawn = [
            draw(
                settings.seed, slot.index, number, generator.elements, generator.identity,
                settings.intensity,
            )
            for slot in slots
        ]  # fmt: skip
        codes, intensities = self._codes(slots, drawn)
        sources: list[int | None] = [None] * len(slots)
        if mode == "new":
            identities = np.stack([one.identity for one in drawn]).astype(np.float32)
            drawn_people = generator.identities(torch.from_numpy(identities))
            pixels = self._render(codes, identities=drawn_people)
        else:
            order = self.orders[mode]
            rows = [
                order.source(slot, number, one.pick) for slot, one in zip(slots, drawn, strict=True)
            ]
            sources = [*rows]
            pixels = self._render(codes, images=torch.stack([self._image(mode, r) for r in rows]))
        plain = codes.numpy()
        return [
            Candidate(*parts)
            for parts in zip(slots, drawn, intensities, plain, sources, pixels, strict=True)
        ]

    def _codes(self, slots: Sequence[Slot], drawn: Sequence[Draw]) -> tuple[Tensor, list[float]]:
        """Codes ``(B, K·d)`` on the CPU, and the intensities to note down."""
        classes = self.generator.classes
        elements, noted = [], []
        for slot, one in zip(slots, drawn, strict=True):
            name = classes[slot.label]
            told = one.intensity
            if name in self.calibration:
                told = self.calibration[name](told)
            values, intensity = magnitudes(one, told, self.settings.code)
            elements.append(values)
            noted.append(intensity)
        y = torch.eye(len(classes))[[slot.label for slot in slots]]
        z = torch.from_numpy(np.stack(elements).astype(np.float32))
        return self.generator.controller(y, z), noted

    def _render(
        self, codes: Tensor, *, identities: Tensor | None = None, images: Tensor | None = None
    ) -> np.ndarray:
        with torch.inference_mode():
            c = codes.to(self.device)
            if images is None:
                return np.asarray(
                    to_pixels(self.generator.decode(cast(Tensor, identities).to(self.device), c))
                )
            x = to_unit_range(images.to(self.device))
            x = x.contiguous(memory_format=torch.channels_last)
            return np.asarray(to_pixels(self.generator.decode(self.generator.encode(x), c, x)))

    def _image(self, mode: str, row: int) -> Tensor:
        """A source ``(3, S, S) uint8``."""
        known = self._images.get((mode, row))
        if known is not None:
            return known
        from faceprep.training.crops import resize
        from faceprep.workspace.crops import read_crop

        crop = read_crop(
            self.sources[mode].crops[row], Remedy("align", overrides={"overwrite": True})
        )
        image = resize(torch.from_numpy(crop)[None], self.generator.size)[0]
        if len(self._images) * image.numel() > _CACHE_BYTES:
            self._images.clear()
        self._images[mode, row] = image
        return image

    def _order(self, mode: str) -> SourceOrder:
        sources = self.sources[mode]
        classes = self.generator.classes
        order = SourceOrder(
            self.settings.seed, mode, sources.expressions, sources.subjects, classes
        )
        if order.missing():
            name = classes[order.missing()[0]]
            raise FaceprepError(
                f"all sources of mode {mode} show {name}: none can be edited to it",
                "more expressions in augment.source_expressions",
            )
        return order

    def _verdict(self, candidates: Sequence[Candidate]) -> "Verdict":
        quality = cast("QualityFilter", self.quality)
        if quality.real is not None and self._features is None:
            from faceprep.faces.features import load_features

            self._features = load_features(device=self.device, template=quality.template)
        images = np.stack([made.pixels for made in candidates])
        names = [self.generator.classes[made.slot.label] for made in candidates]
        return quality(images, names, self._features)

    def _row(self, kept: _Kept) -> Row:
        made = cast(Candidate, kept.best)
        slot = made.slot
        tries = self.settings.tries
        return {
            "face_id": f"{self.name}/{self.settings.seed}/{slot.index:07d}",
            "status": "ok" if kept.passed else "doubtful",
            "reason": None if kept.passed else f"the best of {tries}: {kept.note}",
            "index": slot.index,
            "generator": self.name,
            "checkpoint": self.checkpoint,
            "mode": slot.mode,
            "expression": self.generator.classes[slot.label],
            "intensity": made.intensity,
            "code": made.code.tolist(),
            "source_face_id": (
                None if made.source is None else self.sources[slot.mode].ids[made.source]
            ),
            "seed": self.settings.seed,
            "rejected_judge": kept.rejected["judge"],
            "rejected_features": kept.rejected["features"],
        }


def _keep(kept: _Kept, made: Candidate, verdict: "Verdict", row: int) -> None:
    """Take a candidate that passes, or is better than those before."""
    if verdict.passed[row]:
        kept.best, kept.passed = made, True
        return
    kept.rejected["judge"] += int(not verdict.judge_agrees[row])
    kept.rejected["features"] += int(not verdict.looks_real[row])
    if kept.best is None or verdict.score[row] > kept.score:
        kept.best, kept.score, kept.note = made, float(verdict.score[row]), verdict.notes[row]
