"""The synthetic faces of a ``classify``: which, of whom they know, and how near they come."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceprep.cli.commands.classify import faces_command
from faceprep.cli.commands.train import train_command
from faceprep.config import Config
from faceprep.core.errors import FaceprepError, ManifestError, UsageError
from faceprep.core.files import digest, file_sha256, write_json
from faceprep.core.progress import Progress
from faceprep.generators.trained import read_trained
from faceprep.metrics.leaks import subjects_of
from faceprep.stages.classify.faces import Kept, RealFaces, Side
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import generator_file, generator_name
from faceprep.workspace.synthetic import faces_there, load_synthetic, stage_of, synthetic_record

if TYPE_CHECKING:
    import pandas as pd

    from faceprep.metrics.near_duplicates import Group, NearDuplicates

#: Photographs that the synthetic faces are compared with, of the training and of the test each.
_MOST_PHOTOGRAPHS = 2000

_GENERATOR = "the generator"


@dataclass(frozen=True)
class Synthetic:
    """What a generator made, for one fold.

    Attributes
    ----------
    name
        Of the generator's folders.
    table
        Rows of the manifest, in their order.
    labels
        ``(N,) int64``, -1 for an expression that is not told apart here.
    people
        ``(N,)`` person of the face that each is an edit of, empty where there is none.
    touched, hints
        What → whom it saw, and the command that mends a leak there.
    again
        The command that repairs the faces at hand, also where a damaged picture has its old size.
    notes
        What a reader should know.
    """

    name: str
    table: "pd.DataFrame"
    labels: np.ndarray
    people: np.ndarray
    touched: dict[str, list[str]]
    hints: dict[str, str]
    again: str
    notes: list[str] = field(default_factory=list)

    def first(self, count: int, held_out: set[str]) -> np.ndarray:
        """Rows out of the first `count`: no edits of people who are left out to stop on."""
        usable = (self.labels >= 0) & ~np.isin(self.people, sorted(held_out))
        return np.flatnonzero(usable[:count])


def find_synthetic(config: Config, fold: int | None, count: int, faces: RealFaces) -> Synthetic:
    """Read the first synthetic faces of a fold's generator.

    Raises
    ------
    UsageError
        There are fewer, or no generator; says which commands make them.
    FaceprepError
        A part is damaged, parts were made with different settings, or nothing says whom the
        generator was trained on.
    """
    options, workspace = config.classify, config.workspace
    name = generator_name(options.generator, fold)
    there = faces_there(Workspace(workspace), stage_of(name))
    more, again = (
        faces_command(workspace, options.generator, fold, _folds(faces, fold), number)
        for number in (count, max(count, there))
    )
    try:
        table = load_synthetic(workspace, name, count)
    except UsageError as error:
        raise _too_few(workspace, options.generator, name, error, more) from None
    except ManifestError as error:
        raise ManifestError(error.message, again) from None
    places = {expression: number for number, expression in enumerate(faces.classes)}
    labels = table["expression"].map(places).fillna(-1).to_numpy(np.int64)
    record = synthetic_record(workspace, name)
    people = _people(workspace, table, record)
    anew = f"{again} --overwrite"
    train = train_command(workspace, options.generator, None if fold is None else str(fold))
    train += " --overwrite"
    touched = _touched(config, name, table, record, anew, train)
    touched["the sources of synthetic faces"] += sorted({*people.tolist()} - {""})
    hints = {what: f"{train}; {anew}" if what == _GENERATOR else anew for what in touched}
    notes = _notes(name, table, labels, faces)
    return Synthetic(name, table, labels, people, touched, hints, anew, notes)


def _folds(faces: RealFaces, fold: int | None) -> list[int]:
    """All folds of the selection; none where the split is tested."""
    if fold is None:
        return []
    return sorted({int(one) for one in faces.table["fold"] if one >= 0})


def _too_few(
    workspace: Path, generator: str, name: str, error: UsageError, command: str
) -> UsageError:
    """Say what is lacking: faces, or even the generator that would make them."""
    if generator_file(workspace, name).is_file():
        return UsageError(error.message, command)
    known = {path.name for path in (workspace / "train").glob("*") if path.is_dir()}
    others = sorted({one.partition("-fold")[0] for one in known} - {generator})
    if others and generator not in {one.partition("-fold")[0] for one in known}:
        command = f"--generator {others[0]}"
    some = faces_there(Workspace(workspace), stage_of(name))
    there = f"; {error.message}" if some else ""
    return UsageError(f"{workspace} has no trained {name}{there}", command)


def _people(workspace: Path, table: "pd.DataFrame", record: Mapping[str, Any]) -> np.ndarray:
    """Person that each face is an edit of; empty for nobody, and for somebody from elsewhere."""
    whose = {"edit": _whose(workspace), "other": {}, "new": {}}
    shared = {*(record.get("sources") or {}).get("other", ())}
    if shared:  # of the same dataset: it may have other faces of the people here
        known = whose["edit"] | _whose(Path(record.get("sources_from") or workspace))
        whose["other"] = {face: person for face, person in known.items() if person in shared}
    pairs = zip(table["mode"], table["source_face_id"], strict=True)
    return np.array([whose[mode].get(face, "") for mode, face in pairs], str)


def _whose(workspace: Path) -> dict[str, str]:
    """``face_id`` → person of all selected faces, whatever they show."""
    whose: dict[str, str] = {}
    for table in Workspace(workspace).tables("select"):
        faces, datasets, subjects = (
            table.column(name).to_pylist() for name in ("face_id", "dataset", "subject")
        )
        whose |= {
            face: f"{dataset}/{subject}"
            for face, dataset, subject in zip(faces, datasets, subjects, strict=True)
        }
    return whose


def _touched(
    config: Config,
    name: str,
    table: "pd.DataFrame",
    record: Mapping[str, Any],
    hint: str,
    train: str,
) -> dict[str, list[str]]:
    """Whom the generator, the sources, the judge and the filter saw, as their records say."""
    told = record.get("subjects")
    parts = dict(told) if isinstance(told, Mapping) else {"sources": told}
    for part in ("generator", "judge", "filter"):
        inner = record.get(part)
        if isinstance(inner, Mapping) and "subjects" in inner:
            parts.setdefault(part, inner["subjects"])
    titles = {
        "sources": "the sources of synthetic faces",
        "judge": "the judge of synthetic faces",
        "filter": "the filter of synthetic faces",
        "generator": _GENERATOR,
    }
    touched: dict[str, list[str]] = {titles["sources"]: []}
    for part, people in parts.items():
        title = titles.get(part, f"the {part} of synthetic faces")
        touched[title] = list(subjects_of({"subjects": people}, title, hint))
    if _GENERATOR not in touched:
        touched[_GENERATOR] = _generators(config.workspace, name, table, hint, train)
    return touched


def _generators(
    workspace: Path, name: str, table: "pd.DataFrame", hint: str, train: str
) -> list[str]:
    """Whom the generator that made these faces was trained on, as its own file says."""
    path = generator_file(workspace, name)
    made_by = sorted({*table["checkpoint"].tolist()})
    if not path.is_file() or made_by != [file_sha256(path)]:
        if path.is_file():
            read_trained(workspace, name, whole=True)  # damaged, it is no other generator
        raise FaceprepError(
            f"no table: the synthetic faces of {name} were made with another generator than"
            f" {path}, and nothing says whom that one saw",
            hint,
        )
    return subjects_of(read_trained(workspace, name).extra, f"the generator {path}", train)


def _notes(name: str, table: "pd.DataFrame", labels: np.ndarray, faces: RealFaces) -> list[str]:
    notes = []
    strange = sorted({*table["expression"][labels < 0].tolist()})
    if strange:
        notes.append(f"{name}: {(labels < 0).sum():,} faces of {', '.join(strange)} are left out")
    doubtful = int((table["status"] != "ok").sum())
    if doubtful:
        notes.append(f"{name}: {doubtful:,} of {len(table):,} faces did not pass augment's filter")
    missing = [one for one in faces.classes if one not in {*table["expression"].tolist()}]
    if missing:
        notes.append(f"{name} has no synthetic faces of {', '.join(missing)}")
    return notes


def compare_with_test(
    folder: Path,
    faces: RealFaces,
    sides: Mapping[int | None, Side],
    synthetic: Mapping[int | None, Synthetic],
    pixels: Mapping[str, Kept],
    features: Any,
    count: int,
    progress: Progress,
) -> "NearDuplicates":
    """Hold synthetic and training faces against those of the test; remembered in a file.

    Parameters
    ----------
    count
        Synthetic faces that are looked at, over all folds, evenly spread.
    """
    from faceprep.metrics.near_duplicates import Closest, Nearness, find_near_duplicates
    from faceprep.metrics.near_duplicates import NearDuplicates as Found

    path = folder / "faces" / "near-duplicates.json"
    parts = [[one.name, pixels[one.name].key] for one in synthetic.values()]
    split = [[part.tolist() for part in vars(side).values()] for side in sides.values()]
    key = digest([parts, pixels["real"].key, split, count, features.provenance()])
    try:
        kept = json.loads(path.read_text())
        if kept.pop("key") == key:
            kept["closest"] = [Closest(**one) for one in kept["closest"]]
            kept |= {name: Nearness(**kept[name]) for name in ("synthetic", "training")}
            return Found(**kept)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    progress.say("classify: looking for near duplicates among the synthetic faces")
    each = max(count // len(synthetic), 1)
    groups = list(_groups(faces, sides, synthetic, pixels, features, each))
    found = find_near_duplicates(groups, str(features.name))
    write_json(path, {"key": key, **asdict(found)})
    return found


def _groups(
    faces: RealFaces,
    sides: Mapping[int | None, Side],
    synthetic: Mapping[int | None, Synthetic],
    pixels: Mapping[str, Kept],
    features: Any,
    each: int,
) -> "Iterator[Group]":
    from faceprep.metrics.identity import embed
    from faceprep.metrics.near_duplicates import Group

    real = pixels["real"].read()
    most = max(_MOST_PHOTOGRAPHS // len(synthetic), 1)
    names = faces.table.index.to_numpy(str)
    for fold, made in synthetic.items():
        side = sides[fold]
        train = _spread(np.sort(np.concatenate([side.train, side.held_out])), most)
        test, chosen = _spread(side.test, most), _spread(np.arange(len(made.table)), each)
        images = pixels[made.name].read()
        yield Group(
            embed(features, images[chosen]), embed(features, real[train]),
            embed(features, real[test]), made.table.index[chosen].tolist(), names[test].tolist(),
        )  # fmt: skip


def _spread(rows: np.ndarray, most: int) -> np.ndarray:
    """At most so many of the rows, evenly spread."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).round().astype(int)]
