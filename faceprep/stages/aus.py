"""Estimate 17 Action Unit intensities and 18 presences of every aligned face.

A face of a sequence is compared with the neutral frames of that sequence, if any. They are rows of
the same shard, because a sequence is never split across shards.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from faceprep.config import Config
from faceprep.core.errors import Again, FaceprepError
from faceprep.core.vocabulary import COLUMNS_C, COLUMNS_R
from faceprep.execution.stage import ShardOutput, Stage
from faceprep.faces.action_units.backend import AUResult, Choice, FaceInput, choose, use
from faceprep.faces.action_units.landmark_estimator import MAX_INTENSITY
from faceprep.faces.photographs import landmarks_in_crop
from faceprep.workspace.manifest import Row


class Aus(Stage):
    """Face → AUs, by the backend that ``aus.backend`` names."""

    name = "aus"
    upstream = ("select", "align")

    def settings(self, config: Config) -> dict[str, Any]:
        """Return the resolved backend, and the settings that determine its estimates."""
        choice = choose(config)
        return {"backend": choice.backend.name, **choice.backend.fingerprint(config)}

    def remarks(self, config: Config) -> dict[str, str]:
        """Return why ``auto`` chose the backend, if it did."""
        choice = choose(config)
        return {"backend": f"{choice.backend.name} (auto: {choice.why})"} if choice.why else {}

    def without_remarks(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return recorded settings without the reason of ``auto``, which they used to contain."""
        return {**settings, "backend": str(settings.get("backend")).partition(" (auto: ")[0]}

    def check(self, config: Config) -> None:
        """Raise an error if the backend does not exist or cannot run here."""
        choose(config)

    def remedy(self, config: Config, status: Mapping[str, int]) -> Again | None:
        """Return the backend that needs no file of OpenFace."""
        if choose(config).backend.name == "landmarks":
            return None
        return use("landmarks", note="estimates from landmarks alone")

    def process(
        self,
        inputs: Mapping[str, Sequence[Row]],
        todo: Sequence[int],
        config: Config,
        out: ShardOutput,
    ) -> list[Row]:
        """Estimate the aligned faces; the other rows have the status ``skipped``."""
        choice = choose(config)
        select, align = inputs["select"], inputs["align"]
        neutral = neutral_points(select, align)
        # A backend that estimates whole sequences gets all faces of a sequence, even finished ones.
        wanted = {_sequence(select[k]) for k in todo} - {None}
        ready = [
            k
            for k, aligned in enumerate(align)
            if aligned["status"] == "ok" and (k in todo or _sequence(select[k]) in wanted)
        ]
        faces = [
            FaceInput(
                landmarks68=landmarks_in_crop(align[k]),
                neutral68=neutral.get(_sequence(select[k])),
                select=select[k],
                align=align[k],
            )
            for k in ready
        ]
        results = choice.backend.run(faces, config, out.scratch())
        if len(results) != len(faces):
            raise FaceprepError(
                f"AU backend {choice.backend.name} answered {len(results)} of {len(faces)} faces"
            )
        found = dict(zip(ready, results, strict=True))
        rows = []
        for k in todo:
            rows.append(_row(align[k], found.get(k), choice))
            out.advance()
        return rows


def neutral_points(
    select: Sequence[Row], align: Sequence[Row]
) -> dict[tuple[str, str] | None, np.ndarray]:
    """Average the neutral frames of each sequence.

    `select`, `align`: all rows of a shard.
    Returns ``(subject, sequence)`` → ``(68, 2)`` crop pixels. Sequences without an aligned neutral
        frame are absent.
    """
    frames: dict[tuple[str, str], list[np.ndarray]] = {}
    for chosen, aligned in zip(select, align, strict=True):
        key = _sequence(chosen)
        if key is None or chosen["role"] != "neutral" or aligned["status"] != "ok":
            continue
        points = landmarks_in_crop(aligned)
        if np.isfinite(points).all():
            frames.setdefault(key, []).append(points)
    return {key: np.mean(points, axis=0) for key, points in frames.items()}


def _sequence(row: Row) -> tuple[str, str] | None:
    return (row["subject"], row["sequence"]) if row["sequence"] else None


def _row(align: Row, result: AUResult | None, choice: Choice) -> Row:
    row: Row = {"face_id": align["face_id"], "reason": None, "backend": choice.label()}
    if result is None:
        return {**row, "status": "skipped", "reason": f"align: {align['status']}"}
    row["backend"] = choice.label(result.variant)
    if result.intensities is None or result.presences is None:
        return {**row, "status": "au_failed", "reason": result.reason or "no estimate"}
    values = np.asarray(result.intensities, dtype=np.float64)
    if not ((values >= 0) & (values <= MAX_INTENSITY)).all():
        return {**row, "status": "au_failed", "reason": "the backend left the scale of 0–5"}
    confidence = result.confidence
    row["confidence"] = None if confidence is None or np.isnan(confidence) else float(confidence)
    row.update(zip(COLUMNS_R, map(float, values), strict=True))
    row.update(zip(COLUMNS_C, map(bool, result.presences), strict=True))
    return {**row, "status": "ok"}


STAGE = Aus()
