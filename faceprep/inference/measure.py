"""Measure what drives a generator on photographs, as the stages measured its training faces."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faceprep.config import Config
from faceprep.faces.action_units.backend import Choice, load_backend
from faceprep.faces.action_units.photographs import choose_for_photographs, estimate_photographs
from faceprep.faces.aligner import Alignment
from faceprep.faces.photographs import landmarks_in_crop
from faceprep.generators.targets import Measurements
from faceprep.inference.generator import LoadedGenerator
from faceprep.workspace import Workspace
from faceprep.workspace.remembered import usual


class FaceMeasurer:
    """Measure aligned photographs.

    Action Units are estimated by the backend of the workspace's stage `aus`, or from landmarks if
    that backend cannot estimate photographs; `notes` then says so.
    """

    def __init__(self, generator: LoadedGenerator) -> None:
        self._names = generator.editor.targets.measured
        self.notes: list[str] = []
        self._config = Config()
        self._choice = Choice(load_backend("landmarks"))
        if "action_units" in self._names and generator.workspace is not None:
            self._choose(generator.workspace, generator)

    def _choose(self, workspace: Workspace, generator: LoadedGenerator) -> None:
        used = (workspace.info("aus").get("settings") or {}).get("backend")
        if used is None or used == self.backend:
            return
        config = usual(workspace.root)
        aus = config.aus.model_copy(update={"backend": used})
        config = config.model_copy(
            update={"aus": aus, "align": generator.align, "device": generator.editor.device.type}
        )
        found = choose_for_photographs(config)
        if isinstance(found, str):
            self.notes = [f"Action Units of photographs are estimated from landmarks: {found}"]
        else:
            self._config, self._choice = config, found

    @property
    def backend(self) -> str:
        """Name of the backend."""
        return self._choice.backend.name

    def measure(
        self,
        images: Sequence[np.ndarray],
        aligned: Sequence[Alignment],
        neutral68: np.ndarray | None = None,
    ) -> list[Measurements | str]:
        """Measure photographs that have crops; a reason in place of a face without estimates.

        Parameters
        ----------
        images
            Photographs ``(H, W, 3) uint8`` RGB.
        aligned
            Their alignments.
        neutral68
            ``(68, 2)`` crop pixels of the person's neutral face; only the backend ``landmarks``
            uses it.
        """
        crops = [one.crop for one in aligned if one.crop is not None]
        columns = [one.columns for one in aligned]
        points: list[np.ndarray | None] = [None] * len(crops)
        if "landmarks" in self._names:
            points = [
                (landmarks_in_crop(each) / len(crop)).astype(np.float32)[None]
                for each, crop in zip(columns, crops, strict=True)
            ]
        if "action_units" not in self._names:
            return [Measurements(None, shape) for shape in points]
        with tempfile.TemporaryDirectory(prefix="faceprep-") as scratch:
            results = estimate_photographs(
                images, columns, crops, self._choice, self._config, Path(scratch), neutral68
            )
        return [
            result.reason or "no estimate of Action Units"
            if result.intensities is None
            else Measurements(np.asarray(result.intensities, np.float32)[None], shape)
            for result, shape in zip(results, points, strict=True)
        ]
