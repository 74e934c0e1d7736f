"""References for Action Units: FACS codes, rendered AUs of the demo, another backend."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from faceprep.core.errors import Again, Hint, Remedy, UsageError
from faceprep.core.vocabulary import STAGES
from faceprep.demo.files import find_truth
from faceprep.evaluation.aus.facs import coded_frames, translate
from faceprep.evaluation.aus.values import AUValues, drawn_aus, read_aus
from faceprep.workspace import Workspace
from faceprep.workspace.discover import dataset_root, find_workspaces

FACS, DEMO = "facs", "demo"
CK_PLUS = "ck-plus"


@dataclass(frozen=True, slots=True)
class Reference:
    """Known Action Units of some of the faces."""

    #: Name of the reference and description of the covered faces, for reports.
    name: str
    faces: str
    values: AUValues
    every_face: bool  # whether it should cover every face, so that missing ones are reported
    #: AUs that no backend estimates → number of faces that show them.
    not_estimated: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)  # remarks on excluded faces


def find_reference(workspace: Workspace, faces: pa.Table, against: str | None) -> Reference:
    """Return the reference to compare the AUs of some rows of select with.

    `against` is ``facs``, ``demo``, or the path of a workspace or of aus manifests; None selects
    FACS codes if there are any, else the rendered AUs of a demo dataset. UsageError without a
    reference.
    """
    if against is None:
        if _has_codes(faces):
            return facs_codes(workspace, faces)
        if _demo_dataset(workspace) is not None:
            return demo_truth(workspace, faces)
        raise UsageError(
            f"{workspace.root}: nothing is known of these faces: select has no FACS codes, and they"
            " are not the demo's",
            _comparable(workspace),
        )
    if against == FACS:
        return facs_codes(workspace, faces)
    if against == DEMO:
        return demo_truth(workspace, faces)
    if _is_own(Path(against), workspace):
        raise UsageError(
            f"{workspace.root} would be compared with itself, which always agrees",
            _comparable(workspace),
        )
    values = read_aus(Path(against), workspace)
    return Reference(f"{against} ({values.source})", "faces that both have", values, True)


def _is_own(path: Path, workspace: Workspace) -> bool:
    """Return whether a path is the workspace, or in one of its stages."""
    root = workspace.root.resolve()
    inside = path.resolve().is_relative_to(root)
    return inside and path.resolve().relative_to(root).parts[:1] in ((), *((s,) for s in STAGES))


def _comparable(workspace: Workspace) -> Hint:
    """Return what the AUs can be compared with: the truth of the demo, or another workspace."""
    if _demo_dataset(workspace) is not None:
        return Again({"against": DEMO})
    root = workspace.info("select").get("root")
    for other in find_workspaces(workspace.root.parent, depth=1):
        place = Workspace(other)
        same = other != workspace.root and place.info("select").get("root") == root
        if same and place.shards("aus"):
            return Again({"against": other})
    return (
        "estimate them with another aus.backend in a workspace of its own, and name that with"
        " --against"
    )


def facs_codes(workspace: Workspace, faces: pa.Table) -> Reference:
    """Return the FACS codes of CK+, on the last frame of each sequence; UsageError without any."""
    if CK_PLUS not in faces["dataset"].unique().to_pylist():
        raise UsageError(
            f"{workspace.root}: FACS codes come with CK+, and these faces are of another dataset",
            _comparable(workspace),
        )
    if not _has_codes(faces):
        raise UsageError(
            f"{workspace.root}: select has no FACS codes; CK+ keeps them in FACS/*_facs.txt beside"
            " its images",
            Remedy("select", workspace.root, resume=True),
        )
    columns = ("subject", "sequence", "frame", "role")
    rows = coded_frames(*(faces[name].to_pylist() for name in columns))
    if _is_cut(workspace, faces):  # the last selected frame may not be the last of the sequence
        last = faces.num_rows - 1
        rows = [row for row in rows if row != last]
    peaks = faces.take(pa.array(rows, pa.int64()))
    coded = peaks.filter(peaks["attributes"].is_valid())
    codes = _attributes(coded)
    known = translate(codes)
    values = AUValues(
        coded["face_id"].to_pylist(), known.intensities, known.presences, "FACS codes"
    )
    missing = peaks.num_rows - coded.num_rows
    notes = [f"{missing} of {peaks.num_rows} sequences have no FACS codes"] if missing else []
    return Reference(
        "FACS codes", "the last frame of each sequence", values, False, known.not_estimated, notes
    )


def demo_truth(workspace: Workspace, faces: pa.Table) -> Reference:
    """Return the rendered AUs of every frame; UsageError if the faces are not the demo's."""
    dataset = _demo_dataset(workspace)
    if dataset is None:
        raise UsageError(
            f"{workspace.root}: these faces are not the demo's; its truth lies beside its images",
            _comparable(workspace),
        )
    root = (dataset_root(workspace) or dataset).resolve()
    below = root.relative_to(dataset).as_posix()
    values = drawn_aus(faces, dataset, "" if below == "." else below)
    return Reference("what the demo drew", "every selected frame", values, True)


def _demo_dataset(workspace: Workspace) -> Path | None:
    root = dataset_root(workspace)
    return None if root is None else find_truth(root)


def _has_codes(faces: pa.Table) -> bool:
    """Return whether any face has FACS codes as attributes (CelebA has other attributes)."""
    ck_plus = faces.filter(pc.equal(faces["dataset"], CK_PLUS))
    return ck_plus["attributes"].null_count < ck_plus.num_rows


def _attributes(faces: pa.Table) -> Sequence[dict[str, float]]:
    codes: list[dict[str, float]] = faces["attributes"].to_pylist(maps_as_pydicts="strict")
    return codes


def _is_cut(workspace: Workspace, faces: pa.Table) -> bool:
    """Return whether ``--limit`` ended the selection."""
    config = workspace.info("select").get("config") or {}
    return (config.get("select") or {}).get("limit") == faces.num_rows
