"""Read the synthetic faces of a workspace and their records.

<workspace>/augment/<generator>/  part-00000.parquet  part-00000.json (marker)  images/00000/*.png
                                  stage.json          settings, versions, counts, source subjects
                                  asked.json          requested number of faces
"""

import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceprep.core.errors import ManifestError, Remedy, UsageError
from faceprep.core.files import write_json
from faceprep.core.vocabulary import DEFAULT_GENERATOR
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import ASKED
from faceprep.workspace.manifest import read_provenance

if TYPE_CHECKING:
    import pandas as pd

    from faceprep.workspace import Marker

STAGE = "augment"


def stage_of(generator: str) -> str:
    """Return the stage's folder; `generator` by `artifacts.generator_name`."""
    return f"{STAGE}/{generator}"


def note_asked(
    workspace: Workspace, stage: str, faces: int, shards: int, input_hash: str, config_hash: str
) -> None:
    """Record the requested faces in asked.json, for reports of unfinished runs."""
    note = {"faces": faces, "shards": shards, "input": input_hash, "config": config_hash}
    write_json(workspace.folder(stage) / ASKED, note)


def asked(workspace: Workspace, stage: str) -> dict[str, Any] | None:
    """Return ``faces``, ``shards``, ``input`` and ``config`` of the last run; None if unknown."""
    try:
        note = json.loads((workspace.folder(stage) / ASKED).read_text())
        return {
            "faces": int(note["faces"]),
            "shards": int(note["shards"]),
            "input": str(note["input"]),
            "config": str(note["config"]),
        }
    except (OSError, ValueError, KeyError, TypeError):
        return None


def load_synthetic(
    workspace: str | Path, generator: str = DEFAULT_GENERATOR, n: int | None = None
) -> "pd.DataFrame":
    """Read the first synthetic faces of a generator.

    Parameters
    ----------
    generator
        Name by `artifacts.generator_name`.
    n
        Number of faces; all if None.

    Returns
    -------
    Table indexed by ``face_id``, in the order of generation, columns as in `manifests/README.md`;
    ``crop`` is a full path. A smaller `n` gives the first rows of a larger one.

    Raises
    ------
    UsageError
        There are fewer faces.
    ManifestError
        A part is damaged, or parts were made with different settings.
    """
    import pyarrow as pa

    place, stage = Workspace(Path(workspace)), stage_of(generator)
    markers = _markers(place, stage)
    there = sum(marker.rows for marker in markers)
    wanted = there if n is None else n
    if wanted > there or not there:
        raise UsageError(
            f"{place.folder(stage)} has {there} synthetic faces, not {n or 'any'}",
            Remedy("augment", place.root, {"generator": generator, "n": n or 3000}, resume=True),
        )
    tables, rows = [], 0
    for marker in markers:
        if rows >= wanted:
            break
        tables.append(place.read(stage, marker.shard))
        rows += tables[-1].num_rows
    faces = pa.concat_tables(tables).to_pandas().set_index("face_id")[:wanted]
    if faces["index"].tolist() != list(range(wanted)):
        raise ManifestError(
            f"{place.folder(stage)} does not hold the faces 0 to {wanted - 1}",
            Remedy(
                "augment",
                place.root,
                {"generator": generator, "n": there, "overwrite": True},
                resume=True,
            ),
        )
    folder = place.folder(stage).absolute()
    faces["crop"] = faces["crop"].map(lambda path: str(folder / path))
    return faces


def synthetic_record(workspace: str | Path, generator: str = DEFAULT_GENERATOR) -> dict[str, Any]:
    """Read ``stage.json``; ``subjects`` and ``judge.subjects`` are the training subjects.

    Raises
    ------
    UsageError
        There are no faces.
    ManifestError
        It is missing or damaged, or describes other faces.
    """
    place, stage = Workspace(Path(workspace)), stage_of(generator)
    there, info = faces_there(place, stage), place.info(stage)
    if not there and not info:
        raise UsageError(
            f"{place.root} has no synthetic faces of {generator}",
            Remedy("augment", place.root, {"generator": generator, "n": 3000}, resume=True),
        )
    first = place.marker(stage, 0)
    hashes = {} if first is None else hashes_of(first.input, first.config)
    if not info or (first is not None and info.get("hashes", hashes) != hashes):
        raise ManifestError(
            f"{place.folder(stage)}: augment was not finished, and its stage.json does not name"
            f" the subjects of the {there} existing faces",
            place.redo(stage),
        )
    return info


def hashes_of(input_hash: str, config_hash: str) -> dict[str, str]:
    """Return the hashes for ``stage.json``, equal to those in the markers of the faces."""
    return {"input": input_hash, "config": config_hash}


def faces_there(place: Workspace, stage: str) -> int:
    """Count the synthetic faces of any settings."""
    markers = (place.marker(stage, shard) for shard in place.shards(stage))
    return sum(marker.rows for marker in markers if marker is not None)


def provenance_of(place: Workspace, stage: str, shard: int | None = None) -> dict[str, Any]:
    """Return ``settings`` and ``checkpoint`` of a shard or the first, else of ``stage.json``."""
    first = next(iter(place.shards(stage)), None) if shard is None else shard
    if first is not None:
        with contextlib.suppress(ManifestError):
            return read_provenance(place.part(stage, first))
    return place.info(stage)


def _markers(place: Workspace, stage: str) -> "list[Marker]":
    """Return the markers from shard 0 on, up to the first gap.

    Raises
    ------
    ManifestError
        They were made with different settings.
    """
    markers: list[Marker] = []
    for shard in place.shards(stage):
        marker = place.marker(stage, shard)
        if marker is None or shard != len(markers):
            break
        if markers and (marker.input, marker.config) != (markers[0].input, markers[0].config):
            raise ManifestError(
                f"{place.folder(stage)}: shards 0 and {shard} were made with different settings",
                replace(place.redo(stage), note="finishes what was begun"),
            )
        if markers and markers[-1].rows < markers[0].rows:
            break
        markers.append(marker)
    return markers
