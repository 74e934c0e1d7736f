"""Finished work is kept: random sequences of commands, kills, copies and damage.

Nothing finished disappears without ``--overwrite``, nothing unfinished is read, and exit codes are
those of the README.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders.kept import (
    FINISH,
    SMALL,
    STAGES,
    draw_photographs,
    finished,
    invoke,
    killed_after,
    leftovers,
)
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from faceprep.workspace import Workspace
from faceprep.workspace.load import load

#: Verbs, each with settings that change its results; "" repeats what is there.
VERBS = {
    "run": ("", "--limit 7", "--limit 30", "--set align.size=48", "--set shard_size=4"),
    "select": ("", "--limit 5", "--set select.test_fraction=0.5", "--set select.seed=3"),
    "align": ("", "--set align.template=dlib", "--retry-failed"),
    "heatmaps": ("", "--set heatmaps.sigma=3"),
    "aus": ("", "--set align.size=48"),
    "train": ("", "--set train.seed=7", "--set train.batch=4", "--set train.steps=3"),
    "augment": ("--n 6", "--n 9", "--n 3", "--n 6 --set augment.seed=5"),
    "classify": ("--sweep 0,6 --seeds 1", "--sweep 0 --seeds 1", "--sweep 0,6 --seeds 2"),
}
COMMANDS = [f"{verb} {change}".strip() for verb, changes in VERBS.items() for change in changes]
#: Exit codes of the README, without those of a lowered accuracy and of signals.
CODES = {0, 1, 2, 3, 5}


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with photographs and a finished workspace ``ws``."""
    place = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SMALL.items():
            patch.setenv(name, value)
        patch.chdir(place)
        draw_photographs(place / "photos")
        for words in FINISH:
            done = invoke(words)
            assert done.exit_code == 0, done.stderr
        Kept.master = place
        yield place


class Kept(RuleBasedStateMachine):
    """One workspace, and what was finished in it when the last command ended."""

    master: Path

    def __init__(self) -> None:
        super().__init__()
        self.place = self.master / "now"
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir()
        shutil.copytree(self.master / "photos", self.place / "photos")
        shutil.copytree(self.master / "ws", self.place / "ws")
        self.ws = self.place / "ws"
        self.copies = 0
        self.before = finished(self.ws)
        #: Names of results that a later command may replace: their input was overwritten.
        self.outdated: set[tuple[str, ...]] = set()

    def type(self, words: str) -> int:
        """Type a command for the workspace; return its exit code."""
        return invoke(f"{words} --workspace {self.ws}").exit_code

    def check_kept(self, words: str) -> None:
        """Everything finished is there, and the same."""
        now = finished(self.ws)
        lost = {
            name
            for name, content in self.before.items()
            if now.get(name) != content and name not in self.outdated
        }
        if "train.steps=3" in words:  # a longer training continues the shorter one
            lost.discard(("train", "exprgan"))
        assert not lost, (words, sorted(lost)[:5])
        self.before = now

    @rule(words=st.sampled_from(COMMANDS))
    def a_command_keeps_everything(self, words: str) -> None:
        code = self.type(words)
        assert code in CODES, (words, code)
        self.check_kept(words)
        assert not leftovers(self.ws), (words, leftovers(self.ws))

    @rule(words=st.sampled_from([words for words in COMMANDS if "train" not in words]))
    def only_overwriting_replaces(self, words: str) -> None:
        code = self.type(f"{words} --overwrite")
        assert code in CODES, (words, code)
        self.outdated |= self.before.keys()
        self.before = finished(self.ws)
        if code == 0:  # the verb's own results are finished
            stage = words.split(maxsplit=1)[0]
            self.outdated -= {name for name in self.before if name[0] == stage}

    @rule(words=st.sampled_from(COMMANDS), changes=st.integers(0, 40), overwrite=st.booleans())
    def a_kill_costs_a_shard_at_most(self, words: str, changes: int, overwrite: bool) -> None:
        if overwrite:
            self.outdated |= self.before.keys()
        with killed_after(changes):
            self.type(f"{words} --overwrite" if overwrite else words)
        self.check_kept(words)
        load_all(self.ws)

    @rule()
    def a_copy_goes_on(self) -> None:
        self.copies += 1
        there = self.place / f"copy {self.copies}".replace(" ", "-")
        self.ws.rename(there)
        self.ws = there
        self.check_kept("copy")

    @rule()
    def a_dataset_may_move(self) -> None:
        old = next(self.place.glob("photos*"))
        self.copies += 1
        new = old.rename(self.place / f"photos-{self.copies}")
        code = self.type(f"run --root {new}")
        assert code in CODES
        self.check_kept("move")

    @rule(
        stage=st.sampled_from(STAGES),
        how=st.sampled_from(["cut", "removed", "no marker", "bad marker"]),
        data=st.data(),
    )
    def damage_is_repaired(self, stage: str, how: str, data: st.DataObject) -> None:
        place = Workspace(self.ws)
        shards = place.shards(stage)
        if not shards:
            return
        shard = data.draw(st.sampled_from(shards))
        part, marker = place.part(stage, shard), place.marker_path(stage, shard)
        if how == "cut" and part.is_file():
            os.truncate(part, part.stat().st_size // 2)
        elif how == "removed":
            part.unlink(missing_ok=True)
        elif how == "no marker":
            marker.unlink()
        else:
            marker.write_text("{")
        # What is damaged is lost already; the rest has to be kept.
        self.before = finished(self.ws)

    @invariant()
    def nothing_unfinished_is_read(self) -> None:
        load_all(self.ws)


def load_all(root: Path) -> None:
    """Read all stages that can be read: paths of files that are named exist."""
    from faceprep.core.errors import FaceprepError

    try:
        faces = load(root, only_ok=True)
    except FaceprepError:  # damaged, or not up to date, which is said
        return
    for column in {"crop", "heatmap"} & set(faces.columns):
        assert all(Path(path).is_file() for path in faces[column])


def test_finished_work_is_kept(master: Path) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        Kept,
        settings=settings(
            max_examples=int(os.environ.get("FACEPREP_TEST_KEPT", "8")),
            stateful_step_count=6,
            deadline=None,
            phases=[Phase.reuse, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
