"""A stage that fails on every face is stopped, with the reasons that its rows keep."""

from pathlib import Path

import pytest

from faceprep.config import Config
from faceprep.core.errors import Again, FaceprepError
from faceprep.core.progress import Progress
from faceprep.execution.failures import reasons
from faceprep.execution.plan import Options
from faceprep.execution.runner import run_stage
from faceprep.execution.stage import Stage
from faceprep.workspace import Workspace

#: Reasons, with the first faces.
LISTS = "au_failed: no lists (folder/00001, folder/00002, folder/00004, …)"
FILES = "au_failed: no file a/0.csv (folder/00000, folder/00003, folder/00006, …)"


class Failing(Stage):
    """A stage that fails on the shards before `good`."""

    name = "heatmaps"
    upstream = ("select", "align")
    good = 9

    def process(self, inputs, todo, config, out):
        fine = int(inputs["select"][0]["path"][:5]) >= 30 * self.good
        status = {"status": "ok" if fine else "au_failed", "channels": 1, "sigma": 2.0}
        return [
            {"face_id": inputs["select"][k]["face_id"], **status, "reason": self._why(k, fine)}
            for k in todo
        ]

    def _why(self, k: int, fine: bool) -> str | None:
        return None if fine else ("no lists" if k % 3 else f"no file a/{k}.csv")

    def remedy(self, config, status):
        return Again({"heatmaps.sigma": 3})


def run(workspace: Workspace, **options: object) -> object:
    config = Config.model_validate({"workspace": workspace.root, "workers": 1})
    stage = Failing()
    stage.good = int(options.pop("good", 9))
    return run_stage(stage, config, Options(**options), Progress(quiet=True))


def test_the_first_shards_stop_the_stage(aligned_workspace) -> None:
    workspace = aligned_workspace(faces=150, shard_size=30)
    with pytest.raises(FaceprepError) as error:
        run(workspace)
    assert error.value.message == (
        "heatmaps failed on all of the first 60 faces, and was stopped:\n"
        f"  40 {LISTS}\n  20 {FILES}"
    )
    remedy, again = error.value.hint
    assert remedy == Again({"heatmaps.sigma": 3})
    assert again.note == "goes on with the others"
    assert workspace.shards("heatmaps") == [0, 1]  # every face keeps its reason
    assert reasons(workspace, "heatmaps")[0] == f"40 {LISTS}"
    assert run(workspace).status == {"au_failed": 150}  # the same command goes on


def test_a_good_face_or_a_small_dataset_does_not_stop_it(aligned_workspace) -> None:
    late = aligned_workspace(faces=90, shard_size=30, name="late")
    done = run(late, good=1)
    assert done.status == {"au_failed": 30, "ok": 60}
    small = aligned_workspace(faces=30, shard_size=30, name="small")
    done = run(small)
    assert (done.status, done.reasons) == (
        {"au_failed": 30}, [f"20 {LISTS}", f"10 {FILES}"],
    )  # fmt: skip


def test_slurm_goes_on(aligned_workspace) -> None:
    from faceprep.execution.failures import FirstFaces

    config = Config.model_validate({"workspace": Path("w"), "engine": "slurm"})
    first = FirstFaces(Failing(), config, done_before=0, jobs=9)
    marker = aligned_workspace(faces=8, shard_size=8).marker("align", 0)
    for shard in range(8):
        first.add(shard, marker)
