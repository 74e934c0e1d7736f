"""Finished trainings stay in the accuracy table, unless ``--overwrite`` says otherwise."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from builders.classify import configured, with_synthetic
from builders.training import toy_workspace

from faceprep.core.errors import UsageError
from faceprep.core.progress import Progress
from faceprep.report.accuracy.files import write_files
from faceprep.stages.classify import run as classify
from faceprep.stages.classify.table import measured_numbers

QUIET = Progress(quiet=True)


def table(root: Path, overwrite: bool = False, **options: Any) -> list[tuple[str, int]]:
    config = configured(root, **{"updates": 1, "arms": ("flips", "plain"), **options})
    write_files(config, classify.run_classify(config, QUIET, overwrite=overwrite))
    found = pd.read_parquet(root / "classify" / "accuracy.parquet")
    return list(zip(found["arm"], found["seed"], strict=True))


@pytest.fixture
def made(tmp_path: Path) -> Path:
    toy_workspace(tmp_path, people=8)
    table(tmp_path)
    return tmp_path


def test_more_trainings_are_added(made: Path) -> None:
    assert len(table(made, seeds=2)) == 4
    assert len(table(made, seeds=2, arms=("flips", "plain", "classic"))) == 6


def test_the_numbers_of_faces_in_the_table(made: Path) -> None:
    assert measured_numbers(configured(made)) == {0}
    assert measured_numbers(configured(made / "elsewhere")) == set()


def test_the_table_with_both_old_and_new_rows_is_offered(tmp_path: Path) -> None:
    with_synthetic(tmp_path, count=12)
    rows = table(tmp_path, sweep=(0, 4), arms=("flips",))
    with pytest.raises(UsageError) as caught:
        table(tmp_path, sweep=(0, 8), arms=("plain",))
    both = caught.value.hint[1]
    assert both.overrides == {"classify.arms": ["flips", "plain"], "classify.sweep": [0, 4, 8]}
    settings = {key.partition(".")[2]: tuple(value) for key, value in both.overrides.items()}
    more = table(tmp_path, **settings)
    assert (len(rows), len(more)) == (2, 6)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"arms": ("flips",)}, r"classify.arms: flips,plain → flips\n  classify: 1 of 2 trainings"),
        ({"seed": 1}, r"classify.seed: 0 → 1\n  classify: 2 of 2 trainings"),
        ({"updates": 2}, r"classify.updates: 1 → 2\n  classify: 2 of 2 trainings"),
        ({"generator": "ganimation"}, r"classify.generator: exprgan → ganimation"),
    ],
)
def test_trainings_that_would_vanish_are_named(
    made: Path, changes: dict[str, Any], said: str
) -> None:
    path = made / "classify" / "accuracy.parquet"
    before = path.read_bytes()
    with pytest.raises(UsageError, match=said):
        table(made, **changes)
    config = configured(made, **{"updates": 1, "arms": ("flips", "plain"), **changes})
    with pytest.raises(UsageError, match=said):
        classify.run_classify(config, QUIET, dry_run=True)
    assert path.read_bytes() == before
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classify, "_train", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            table(made, overwrite=True, **changes)
    table(made, **changes)  # was allowed before the interruption
    with pytest.raises(UsageError, match="classify: "):
        table(made, arms=("classic",))
