"""The manifests of a workspace joined into one table."""

from pathlib import Path

import numpy as np
import pytest

from faceprep.core.errors import FaceprepError, Remedy, UsageError
from faceprep.core.images import write_png
from faceprep.workspace import Workspace
from faceprep.workspace.load import load, read_crop


def test_every_selected_face_is_one_row(aligned_workspace) -> None:
    workspace = aligned_workspace(faces=25, shard_size=10)
    faces = load(workspace.root)
    assert list(faces.index) == [f"folder/{number:05d}" for number in range(25)]
    assert (faces.align_status == "ok").sum() == 22
    assert faces.loc["folder/00006", "align_reason"] == "no face found"
    assert faces.loc["folder/00000", "crop"] == str(workspace.root / "align/images/00000/x.png")
    assert faces["crop"].isna().sum() == 3
    assert len(faces.loc["folder/00000", "align_landmarks68"]) == 136


def test_only_ok_leaves_the_failures_out(aligned_workspace) -> None:
    faces = load(aligned_workspace(faces=25).root, only_ok=True, existing=False)
    assert len(faces) == 22
    assert set(faces.align_status) == {"ok"}


def test_only_ok_names_no_file_that_is_not_there(aligned_workspace, tmp_path: Path) -> None:
    workspace = aligned_workspace(faces=25, shard_size=10)
    crop = Path(load(workspace.root)["crop"].iloc[0])  # of the first shard
    assert len(load(workspace.root, only_ok=True)) == 0
    crop.parent.mkdir(parents=True)
    crop.write_bytes(b"")
    faces = load(workspace.root, only_ok=True)
    assert set(faces["crop"]) == {str(crop)}
    assert faces["path"].isna().all()


def test_a_stage_that_never_ran_has_a_hint(aligned_workspace, tmp_path: Path) -> None:
    root = aligned_workspace().root
    with pytest.raises(UsageError, match="aus has not run") as caught:
        load(root, stages=["aus"])
    assert isinstance(caught.value.hint, Remedy)
    assert (caught.value.hint.verb, caught.value.hint.resume) == ("aus", True)
    with pytest.raises(UsageError, match="no stage 'faces'"):
        load(root, stages=["faces"])
    with pytest.raises(UsageError, match="no workspace"):
        load(tmp_path / "nothing")


def test_a_stage_behind_its_selection_is_an_error(aligned_workspace) -> None:
    workspace: Workspace = aligned_workspace(faces=25, shard_size=10)
    workspace.remove_shards("align", 2)
    with pytest.raises(FaceprepError, match="align is not up to date"):
        load(workspace.root)


def test_a_crop_is_read_or_the_hint_says_how_to_make_it_again(tmp_path):
    path = tmp_path / "a.png"
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    write_png(path, image)
    assert np.array_equal(read_crop(path, "align it"), image)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FaceprepError, match=r"the crop .*a\.png cannot be read: .*truncated") as no:
        read_crop(path, "align it")
    assert no.value.hint == "align it"
