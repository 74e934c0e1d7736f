"""Generate candidate faces for the slots of a schedule, with a generator of any kind."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from faceprep.config import Config
from faceprep.core.errors import FaceprepError
from faceprep.core.pixels import to_unit_range
from faceprep.generators.base import Generator, MakesNewFaces, Target
from faceprep.generators.blocks.layers import channels_last
from faceprep.generators.editor import calibration_of, to_pixels
from faceprep.generators.registry import require
from faceprep.generators.targets import Measurements, TargetMaker, references_of
from faceprep.metrics.workspace_faces import measurements_of_faces
from faceprep.stages.augment.schedule import Draw, Slot, SourceOrder, draw, magnitudes
from faceprep.stages.augment.sources import Sources, find_sources
from faceprep.training.checkpoint import Checkpoint
from faceprep.training.crops import resize
from faceprep.workspace import Workspace
from faceprep.workspace.load import read_crop

# Sources kept in memory between blocks, bytes.
_CACHE_BYTES = 64 << 20


@dataclass
class Candidate:
    """A face generated for a slot."""

    slot: Slot  # slot in the schedule
    intensity: float  # intensity to record
    #: Expression code ``(K·d,)``, or requested Action Units ``(17,)`` in [0, 5]; empty for a
    #: generator that neither drives.
    code: np.ndarray
    source: int | None  # row of its source; None for a new face
    pixels: np.ndarray  # ``(S, S, 3) uint8``


class CandidateMaker:
    """Generate candidates.

    `config`: with ``[augment]`` and ``[train]``.
    `generator`, `file`: networks on `device`, and the content of their file.
    `device`: ``cpu`` or ``cuda``.
    Raises `UsageError`: new faces are requested from a kind that cannot generate them, or reference
        faces are missing.
    Raises `FaceprepError`: no source can be edited to some expression.
    """

    def __init__(
        self, config: Config, generator: Generator, file: Checkpoint, device: torch.device
    ) -> None:
        self.config, self.settings, self.device = config, config.augment, device
        if "new" in self.settings.shares():
            require(generator, MakesNewFaces, "generate faces without a source")
        if isinstance(generator, nn.Module):
            channels_last(generator)
        self.generator = generator
        self.calibration = calibration_of(file.extra)
        self.targets = TargetMaker(generator, references_of(file.extra))
        modes = [mode for mode in self.settings.shares() if mode != "new"]
        self.sources: dict[str, Sources] = {mode: find_sources(config, mode) for mode in modes}
        self._orders = {mode: self._order(mode) for mode in modes}
        self._measured = {mode: self._measurements(mode) for mode in modes}
        self._images: dict[tuple[str, int], Tensor] = {}

    def make(self, slots: Sequence[Slot], number: int) -> list[Candidate]:
        """Generate candidate `number` of every slot, one batch per mode."""
        found: dict[int, Candidate] = {}
        for mode in self.settings.shares():
            some = [slot for slot in slots if slot.mode == mode]
            found |= {made.slot.index: made for made in self._of_mode(mode, some, number)}
        return [found[slot.index] for slot in slots]

    def _of_mode(self, mode: str, slots: Sequence[Slot], number: int) -> list[Candidate]:
        if not slots:
            return []
        drawn = [self._draw(slot, number) for slot in slots]
        rows: list[int] | None = None
        if mode != "new":
            order = self._orders[mode]
            rows = [
                order.source(slot, number, one.pick) for slot, one in zip(slots, drawn, strict=True)
            ]
        target, noted = self._target(mode, slots, drawn, rows)
        if rows is None:
            pixels = self._new_faces(drawn, target)
        else:
            pixels = self._edits(torch.stack([self._image(mode, row) for row in rows]), target)
        driving = target.action_units if target.code is None else target.code
        codes = np.zeros((len(slots), 0)) if driving is None else driving.numpy()
        sources = [None] * len(slots) if rows is None else rows
        return [
            Candidate(*parts) for parts in zip(slots, noted, codes, sources, pixels, strict=True)
        ]

    def _draw(self, slot: Slot, number: int) -> Draw:
        identity = int(getattr(self.generator, "identity", 0))
        settings = self.settings
        return draw(
            settings.seed, slot.index, number, self.targets.elements, identity, settings.intensity
        )

    def _target(
        self, mode: str, slots: Sequence[Slot], drawn: Sequence[Draw], rows: list[int] | None
    ) -> tuple[Target, list[float]]:
        """Return the target on the CPU, and the intensities to record."""
        names = [self.generator.classes[slot.label] for slot in slots]
        inputs, elements, noted = [], [], []
        for name, one in zip(names, drawn, strict=True):
            level = one.intensity
            if name in self.calibration:
                level = self.calibration[name](level)
            values, intensity = magnitudes(one, level, self.settings.code)
            inputs.append(level)
            elements.append(values)
            noted.append(intensity)
        target = self.targets.make(
            names,
            np.array(inputs),
            sources=None if rows is None else self._measured[mode].take(rows),
            magnitudes=np.stack(elements),
            donors=np.array([one.donor for one in drawn]),
        )
        return target, noted

    def _new_faces(self, drawn: Sequence[Draw], target: Target) -> np.ndarray:
        u = torch.from_numpy(np.stack([one.identity for one in drawn]).astype(np.float32))
        generator = require(self.generator, MakesNewFaces, "generate faces without a source")
        with torch.inference_mode():
            return np.asarray(to_pixels(generator.new_faces(u, target.to(self.device)).images))

    def _edits(self, images: Tensor, target: Target) -> np.ndarray:
        with torch.inference_mode():
            x = to_unit_range(images.to(self.device))
            x = x.contiguous(memory_format=torch.channels_last)
            return np.asarray(to_pixels(self.generator.edit(x, target.to(self.device)).images))

    def _image(self, mode: str, row: int) -> Tensor:
        """Return a source ``(3, S, S) uint8``."""
        known = self._images.get((mode, row))
        if known is not None:
            return known
        crop = read_crop(self.sources[mode].crops[row])
        image = resize(torch.from_numpy(crop)[None], self.generator.size)[0]
        if len(self._images) * image.numel() > _CACHE_BYTES:
            self._images.clear()
        self._images[mode, row] = image
        return image

    def _order(self, mode: str) -> SourceOrder:
        sources, classes = self.sources[mode], self.generator.classes
        order = SourceOrder(
            self.settings.seed, mode, sources.expressions, sources.subjects, classes
        )
        if order.missing():
            name = classes[order.missing()[0]]
            raise FaceprepError(
                f"all sources of mode {mode} show {name}: none can be edited to it",
                "name more expressions in augment.source_expressions",
            )
        return order

    def _measurements(self, mode: str) -> Measurements:
        other = self.config.augment.sources
        root = other.expanduser() if mode == "other" and other else self.config.workspace
        ids = self.sources[mode].ids
        return measurements_of_faces(Workspace(root), ids, self.targets.measured)
