"""Draw the 68 landmarks of every crop as Gaussian heatmaps.

One gray PNG per face: with one channel, the maximum over the points (size × size); with 68, the
planes stacked vertically in iBUG order (68 · size rows; `faceprep.core.heatmaps.split_planes`).
Training does not need the 68 planes: `gaussian_planes` renders them on the fly.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from faceprep.config import Config
from faceprep.core.heatmaps import POINTS, combined_heatmap, sigma_pixels, stacked_planes
from faceprep.core.images import write_png
from faceprep.core.marks import MARK
from faceprep.execution.stage import ShardOutput, Stage, image_name
from faceprep.workspace.manifest import Row


class Heatmaps(Stage):
    """Landmarks → heatmap, as large as the crop."""

    name = "heatmaps"
    upstream = ("align",)
    image_bytes = 7_000
    seconds_per_face = 0.005

    def settings(self, config: Config) -> dict[str, Any]:
        """Return the settings, and the side of crop and heatmap."""
        return {**super().settings(config), "size": config.align.size}

    def process(
        self,
        inputs: Mapping[str, Sequence[Row]],
        todo: Sequence[int],
        config: Config,
        out: ShardOutput,
    ) -> list[Row]:
        """Draw the heatmaps of the aligned faces; the other rows have the status ``skipped``."""
        size, sigma = config.align.size, config.heatmaps.sigma
        channels = config.heatmaps.channels
        render = stacked_planes if channels == POINTS else combined_heatmap
        same = {"channels": channels, "sigma": sigma_pixels(sigma, size)}
        rows = []
        for k in todo:
            aligned = inputs["align"][k]
            face_id = aligned["face_id"]
            if aligned["status"] == "ok":
                points = np.array(aligned["landmarks68"], np.float64).reshape(POINTS, 2)
                name = image_name(face_id)
                write_png(out.images / name, render(points, size, sigma), MARK)
                row: Row = {"face_id": face_id, "status": "ok", "heatmap": out.relative(name)}
            else:
                reason = f"align: {aligned['status']}"
                row = {"face_id": face_id, "status": "skipped", "reason": reason}
            rows.append(row | same)
            out.advance()
        return rows


STAGE = Heatmaps()
