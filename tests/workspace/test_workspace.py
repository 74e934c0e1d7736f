"""A shard is done only if its marker matches and its files are intact."""

import pytest
from builders.shards import commit

from faceprep.core.errors import ManifestError, Remedy
from faceprep.workspace import Workspace


@pytest.mark.parametrize(
    "damage", ["marker", "garbled marker", "part", "changed part", "image", "short image"]
)
def test_damage_makes_a_shard_undone(tmp_path, damage: str) -> None:
    workspace = Workspace(tmp_path)
    commit(workspace)
    if damage == "marker":
        workspace.marker_path("heatmaps", 0).unlink()
    elif damage == "garbled marker":
        workspace.marker_path("heatmaps", 0).write_text("{")
    elif damage == "part":
        workspace.part("heatmaps", 0).unlink()
    elif damage == "changed part":
        with workspace.part("heatmaps", 0).open("ab") as stream:
            stream.write(b"x")
    elif damage == "image":
        (workspace.images("heatmaps", 0) / "a0.png").unlink()
    else:
        (workspace.images("heatmaps", 0) / "a0.png").write_bytes(b"p")
    assert not workspace.is_done("heatmaps", 0, "input", "a")


def test_other_input_or_settings_make_a_shard_undone(tmp_path) -> None:
    workspace = Workspace(tmp_path)
    commit(workspace)
    assert not workspace.is_done("heatmaps", 0, "other", "a")
    assert not workspace.is_done("heatmaps", 0, "input", "other")
    assert not workspace.is_done("heatmaps", 1, "input", "a")


def test_reading_an_unfinished_shard_has_the_stage_as_hint(tmp_path) -> None:
    with pytest.raises(ManifestError, match="not finished") as caught:
        Workspace(tmp_path).read("align", 3)
    assert caught.value.hint == Remedy("align", tmp_path, resume=True)


def test_surplus_shards_are_removed_with_their_images(tmp_path) -> None:
    workspace = Workspace(tmp_path)
    for shard in range(3):
        commit(workspace, shard=shard)
    assert workspace.remove_shards("heatmaps", 1) == 2
    assert workspace.shards("heatmaps") == [0]
    assert [p.name for p in (tmp_path / "heatmaps" / "images").iterdir()] == ["00000"]


def test_a_failure_is_recorded_until_the_shard_is_done(tmp_path) -> None:
    workspace = Workspace(tmp_path)
    commit(workspace)
    workspace.note_failure("heatmaps", 0, "no memory", ["last words"])
    workspace.note_failure("heatmaps", 5, "no luck")
    assert workspace.shards("heatmaps") == [0]
    found = workspace.failures("heatmaps")
    assert [(shard, note["error"]) for shard, note in found.items()] == [
        (0, "no memory"),
        (5, "no luck"),
    ]
    assert found[0]["log"] == ["last words"]
    commit(workspace)
    assert list(workspace.failures("heatmaps")) == [5]
    workspace.remove_shards("heatmaps", 0)


def test_counts_add_up_over_shards(aligned_workspace) -> None:
    workspace = aligned_workspace(faces=25, shard_size=10)
    assert workspace.shards("align") == [0, 1, 2]
    assert workspace.counts("align") == {"no_face": 3, "ok": 22}
    assert sum(table.num_rows for table in workspace.tables("align")) == 25
