"""The settings that a workspace remembers."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceprep.config.record import Record, kept, parse_record, write_record
from faceprep.config.sources import read_settings, resolve

VALUES = {
    "name": "faces",
    "demo": {},
    "shard_size": 12,
    "select.dataset": "folder",
    "select.words.3.0": "fear",
    "select.words.not sure": None,
    "select.limit": None,
    "select.pattern": 'a "quoted" \\ {subject}\x7f\n',
    "align.min_confidence": 1e-05,
    "train.weights.q": float("inf"),
    "augment.intensity": [0.5, 1.0],
    "classify.even": True,
    "classify.arms": ["flips", "classic@0"],
}


def test_a_written_record_is_read_again(tmp_path: Path) -> None:
    record = Record(VALUES, frozenset({"align.min_confidence", "select.limit"}))
    write_record(tmp_path, record)
    assert parse_record(tmp_path, *read_settings(tmp_path / "settings.toml")) == record
    before = (tmp_path / "settings.toml").stat().st_mtime_ns
    write_record(tmp_path, record)
    assert (tmp_path / "settings.toml").stat().st_mtime_ns == before


@given(st.dictionaries(st.text(min_size=1).filter(lambda t: "." not in t), st.text(), max_size=3))
def test_any_text_is_written_as_toml(
    tmp_path_factory: pytest.TempPathFactory, words: dict[str, str]
) -> None:
    folder = tmp_path_factory.mktemp("record")
    values = kept({f"select.words.{key}": value for key, value in words.items()})
    write_record(folder, Record(values))
    assert read_settings(folder / "settings.toml")[0] == values
    tomllib.loads((folder / "settings.toml").read_text(encoding="utf-8"))


def test_locations_are_absolute_and_machines_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.dat").touch()
    found = kept(
        {
            "select.root": Path("data"),
            "select.table": Path("labels.csv"),
            "train.features": "w.dat",
            "classify.features": "dlib",
            "train.fold": 3,
            "train.compile": False,
            "slurm.train.time": 3,
            "workers": 2,
        }
    )
    assert found == {
        "select.root": str(tmp_path / "data"),
        "select.table": "labels.csv",  # which is relative to the root
        "train.features": str(tmp_path / "w.dat"),
        "classify.features": "dlib",
    }


RECORD = Record(
    {
        "name": "folder",
        "select.dataset": "folder",
        "select.root": "/data/a",
        "select.limit": 30,
        "align.detector": "dlib",
        "train.preset": "tiny",
        "train.steps": 9,
        "augment.mode": "mix",
        "augment.mix.new": 1.0,
        "classify.times": [1.0],
    },
    frozenset({"align.detector", "classify.times"}),
)


@pytest.mark.parametrize(
    ("given", "with_file", "gone"),
    [
        ({}, False, set()),
        ({"select.root": "/data/b"}, False, set()),
        ({"select.dataset": "ck-plus"}, False, {"name", "select"}),
        ({"demo.subjects": 3}, False, set()),  # of a variable: it chooses no dataset
        ({"demo.subjects": 3}, True, {"name", "select", "train", "augment"}),
        ({"train.generator": "ganimation"}, False, {"train", "augment"}),
        ({"train.epochs": 2}, False, {"train.steps"}),
        ({"classify.sweep": [0]}, False, {"classify.times"}),
        ({"augment.mode": "new"}, False, {"augment.mix.new"}),
        ({}, True, {"name", "select.dataset", "select.limit", "train", "augment"}),
    ],
)
def test_what_is_given_now_replaces_what_goes_with_it(
    given: dict[str, Any], with_file: bool, gone: set[str]
) -> None:
    left = RECORD.base(given, given if with_file else None)
    removed = {key for key in RECORD.values if key not in left}
    parts = {key.partition(".")[0] for key in removed} | removed
    assert gone <= parts
    assert all(any(f"{key}.".startswith(f"{one}.") for one in gone) for key in removed)


def test_a_drawn_dataset_does_not_go_with_another(tmp_path: Path) -> None:
    drawn = Record({"name": "demo", "demo": {}, "train.preset": "tiny"})
    assert drawn.base({"select.root": "/data"}) == {"train.preset": "tiny"}
    assert drawn.base({"select.dataset": "folder"}) == {"train.preset": "tiny"}
    assert "demo" in drawn.base({"select.dataset": "oulu-casia"})


def test_only_sections_at_work_are_recorded() -> None:
    new = Record({"select.limit": 5, "align.detector": "mtcnn"}, frozenset({"select.limit"}))
    merged = RECORD.merged(new, {"align"})
    assert merged.values == {**RECORD.values, "align.detector": "mtcnn"}
    assert merged.typed == {"classify.times"}


def resolved(workspace: Path, record: Record, file: Path | None = None, **flags: Any) -> Any:
    given = {key.replace("__", "."): (value, "--set") for key, value in flags.items()}
    return resolve(
        file=file,
        flags={"workspace": (str(workspace), "--workspace"), **given},
        environment={},
        local_file=Path("/nonexistent/faceprep.toml"),
        remembered=lambda place: record if place == workspace else None,
    )


def test_the_record_is_below_every_other_source(tmp_path: Path) -> None:
    found = resolved(tmp_path, RECORD, align__size=64)
    assert found.config.align.detector == "dlib"
    assert found.config.select.root == Path("/data/a")
    assert found.sources["align.detector"] == f"settings.toml of {tmp_path}"
    assert found.config.given.typed == {"align.detector", "align.size", "classify.times"}
    assert found.config.given.inherited == RECORD.values.keys()
    assert found.config.given.values == {**RECORD.values, "align.size": 64}
    file = tmp_path / "p.toml"
    file.write_text('[select]\ndataset = "folder"\n[align]\ntemplate = "dlib"\n')
    found = resolved(tmp_path, RECORD, file)
    assert found.config.select.limit is None  # the line is no longer in the file
    assert found.config.select.root == Path("/data/a")
    assert found.config.align.detector == "dlib"  # a flag gave it
    file.write_text('[align]\ndetector = "given"\n')
    assert resolved(tmp_path, RECORD, file).config.align.detector == "given"
    assert resolved(tmp_path, RECORD, align__detector="mtcnn").config.align.detector == "mtcnn"


def test_a_record_is_a_pipeline_file_of_another_workspace(tmp_path: Path) -> None:
    write_record(tmp_path, Record({**RECORD.values, "select.limit": None}))
    found = resolve(
        file=tmp_path / "settings.toml",
        flags={"workspace": (str(tmp_path / "b"), "--workspace")},
        environment={},
        local_file=Path("/nonexistent/faceprep.toml"),
        remembered=lambda place: None,
    )
    assert found.config.select.limit is None
    assert found.config.align.detector == "dlib"
    assert found.config.workspace == tmp_path / "b"
