"""Source faces to edit, of training subjects only."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceprep.config import Config
from faceprep.core.errors import Again, FaceprepError, Remedy, UsageError
from faceprep.workspace import Workspace
from faceprep.workspace.load import load
from faceprep.workspace.training_rows import sides_of, training_rows

if TYPE_CHECKING:
    import pandas as pd

# All folder datasets share this name, so equal subject names of two roots may be different people.
_FOLDER = "folder"

#: Prefix of the subjects of another workspace that do not occur in this one.
ELSEWHERE = "elsewhere:"


@dataclass(frozen=True)
class Sources:
    """Faces to edit."""

    #: ``face_id`` and file of each.
    ids: list[str]
    crops: list[Path]
    expressions: np.ndarray  # ``(N,)``; names; an empty string if unlabelled
    subjects: np.ndarray  # ``(N,)``; subjects as ``dataset/subject``

    def __len__(self) -> int:
        return len(self.ids)

    def unique_subjects(self) -> list[str]:
        """Return the subjects, sorted."""
        return sorted({str(name) for name in self.subjects})


def find_sources(config: Config, mode: str) -> Sources:
    """Find the faces that a mode edits.

    `mode`: ``edit``: training faces of the workspace; ``other``: those of ``augment.sources``.
    Raises `UsageError`: there are none, or the other workspace is incompatible.
    Raises `FaceprepError`: a source shows a subject of ``test`` or ``val`` here.
    """
    if mode == "edit":
        rows = training_rows(config.workspace, fold=config.train.fold)
    else:
        rows = _other_rows(config)
    wanted = config.augment.source_expressions
    if wanted is not None:
        rows = rows[rows["expression"].isin(list(wanted))]
    if not len(rows):
        raise UsageError(
            f"no training face can be edited in mode {mode}",
            (
                Again({"augment.mode": "new"}),
                "name other expressions in augment.source_expressions",
            ),
        )
    subjects = rows["dataset"] + "/" + rows["subject"]
    if mode == "other":
        subjects = subjects.where(~_elsewhere(config, rows), ELSEWHERE + subjects)
    return Sources(
        rows.index.tolist(),
        [Path(crop) for crop in rows["crop"]],
        rows["expression"].fillna("").to_numpy(str),
        subjects.to_numpy(str),
    )


def fingerprint(
    config: Config, modes: Sequence[str], filtered: bool, measured: bool = False
) -> list[str | None]:
    """Return the hashes of the parts from which the sources, or the faces of the filter, are read.

    `measured`: include the action units of the sources, for generators driven by them.
    """
    roots = [config.workspace] if "edit" in modes or filtered else []
    if "other" in modes:
        roots.append(_other(config).root)
    found: list[str | None] = []
    for root in roots:
        workspace = Workspace(root)
        for stage in ("select", "align", "aus")[: 3 if measured else 2]:
            markers = (workspace.marker(stage, shard) for shard in workspace.shards(stage))
            found += [marker.sha256 if marker else None for marker in markers]
    return found


def _other(config: Config) -> Workspace:
    if config.augment.sources is None:
        raise UsageError("no other faces are named", "name their workspace in augment.sources")
    return Workspace(config.augment.sources.expanduser())


def _other_rows(config: Config) -> "pd.DataFrame":
    """Return aligned training faces of the other workspace, labelled or not."""
    here, there = Workspace(config.workspace), _other(config)
    if here.root.resolve() == there.root.resolve():
        raise UsageError(
            "augment.sources is this workspace itself",
            Again({"augment.mode": "edit", "augment.sources": None}),
        )
    faces = load(there.root, ["align"], only_ok=True, existing=False)
    templates = [
        workspace.info("align").get("settings", {}).get("template") for workspace in (here, there)
    ]
    if templates[0] != templates[1]:
        raise UsageError(
            f"{there.root} is aligned to {templates[1]}, this workspace to {templates[0]}",
            Remedy(
                "align",
                there.root,
                {"align.template": templates[0], "overwrite": True},
                resume=True,
            ),
        )
    rows = faces[faces["split"] == "train"]
    _refuse_leak(config, here, there, rows)
    return rows


def _elsewhere(config: Config, rows: "pd.DataFrame") -> "pd.Series[bool]":
    """Return a mask of the rows of the other workspace whose subjects do not occur in this one."""
    if config.augment.distinct_people:
        return rows["dataset"].notna()
    places = (Workspace(config.workspace), _other(config))
    here, there = (place.info("select").get("root") for place in places)
    return (rows["dataset"] == _FOLDER) & (here != there)


def _refuse_leak(config: Config, here: Workspace, there: Workspace, rows: "pd.DataFrame") -> None:
    """Refuse sources whose files or subjects are in ``val`` or ``test`` here."""
    own = load(here.root, ["align"])
    kept = own[sides_of(own, config.train.fold).isin(["val", "test"])]
    same = set(kept["sha256"].dropna()) & set(rows["sha256"].dropna())
    if same:
        name = kept.index[kept["sha256"].isin(same)][0]
        raise FaceprepError(
            f"{len(same)} files of {there.root} are watched or tested here, {name} among them",
            "select them for nothing but the test",
        )
    rows = rows[~_elsewhere(config, rows)]
    both = rows.merge(kept[["dataset", "subject"]].drop_duplicates(), on=["dataset", "subject"])
    if len(both):
        raise FaceprepError(
            f"{both['subject'].iloc[0]} of {there.root} is watched or tested here",
            Again({"augment.distinct_people": True}, note="if another person bears the same name"),
        )
