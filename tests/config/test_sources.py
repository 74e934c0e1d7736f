"""Configuration: precedence, sources, and errors that name both."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceprep.cli.remedies import spell
from faceprep.config import Config
from faceprep.config.sources import known_keys, parse_assignment, resolve
from faceprep.core.errors import Again, UsageError
from faceprep.core.files import digest
from faceprep.workspace import Workspace
from faceprep.workspace.remembered import remembered

NOWHERE = Path("/nonexistent/faceprep.toml")
SIZES = st.integers(32, 1024)


@given(
    local=st.none() | SIZES,
    file=st.none() | SIZES,
    variable=st.none() | SIZES,
    flag=st.none() | SIZES,
)
def test_the_strongest_source_wins(
    tmp_path_factory: pytest.TempPathFactory,
    local: int | None,
    file: int | None,
    variable: int | None,
    flag: int | None,
) -> None:
    folder = tmp_path_factory.mktemp("sources")
    paths = {"local": folder / "faceprep.toml", "file": folder / "mine.toml"}
    for name, value in (("local", local), ("file", file)):
        if value is not None:
            paths[name].write_text(f"[align]\nsize = {value}\n")
    resolved = resolve(
        file=paths["file"] if file is not None else None,
        flags={"align.size": (str(flag), "--set")} if flag is not None else {},
        environment={"FACEPREP_ALIGN_SIZE": str(variable)} if variable is not None else {},
        local_file=paths["local"],
    )
    expected = [
        (flag, "--set"),
        (variable, "FACEPREP_ALIGN_SIZE"),
        (file, str(paths["file"])),
        (local, "./faceprep.toml"),
        (128, "default"),
    ]
    value, source = next((v, s) for v, s in expected if v is not None)
    assert resolved.config.align.size == value
    assert resolved.sources["align.size"] == source


def test_no_source_at_all_is_the_demo_pipeline() -> None:
    config = resolve(environment={}, local_file=NOWHERE).config
    assert config.demo is not None
    assert config.select.dataset == config.demo.layout
    assert config.workspace == Path("manifests/demo")
    assert config.dataset_root() == Path("manifests/demo/dataset")


def test_a_dataset_on_the_command_line_replaces_the_demo() -> None:
    flags = {"select.dataset": ("ck-plus", "--dataset"), "select.root": ("/data/CK+", "--root")}
    config = resolve(flags=flags, environment={}, local_file=NOWHERE).config
    assert config.demo is None
    assert config.name == "ck-plus"
    assert config.workspace == Path("manifests/ck-plus")


def test_a_dataset_without_root_has_a_hint() -> None:
    flags = {"select.dataset": ("ck-plus", "--dataset")}
    config = resolve(flags=flags, environment={}, local_file=NOWHERE).config
    with pytest.raises(UsageError, match=r"select\.root") as caught:
        config.dataset_root()
    assert caught.value.hint


def test_crops_without_a_record_of_their_selection_are_not_the_demos(tmp_path: Path) -> None:
    given = {
        "flags": {"workspace": (str(tmp_path), "--workspace")},
        "environment": {},
        "local_file": NOWHERE,
        "remembered": remembered,
    }
    (tmp_path / "align").mkdir()
    assert resolve(**given).config.demo is not None
    (tmp_path / "align" / "part-00000.json").write_text("{}")
    assert resolve(**given).config.demo is None


@pytest.mark.parametrize(
    ("flags", "message", "hint"),
    [
        ({"align.detectr": ("x", "--set")}, r"align\.detectr \(from --set\)", "align.detector"),
        ({"align.size": ("big", "--set")}, r"align\.size \(from --set\).*'big'", "config show"),
        ({"align.size": ("8", "--set")}, "greater than or equal to 32", "config show"),
        ({"align": ("x", "--set")}, "align", "config show"),
        ({"zzz.x": ("1", "--set")}, r"zzz \(from --set\)", "config show"),
        ({"name.x": ("1", "--set"), "name": ("demo", "--set")}, "name has no keys", None),
    ],
)
def test_a_wrong_key_or_value_names_its_source(flags, message, hint) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        resolve(flags=flags, environment={}, local_file=NOWHERE)
    if hint:
        assert hint in (spell(caught.value.hint) or "")


def test_an_unknown_variable_is_an_error_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="FACEPREP_ALIGN_DETECTR") as caught:
        resolve(environment={"FACEPREP_ALIGN_DETECTR": "dlib"}, local_file=NOWHERE)
    assert "FACEPREP_ALIGN_DETECTOR" in (spell(caught.value.hint) or "")


@pytest.mark.parametrize("content", ["align = ", b"\xff\xfe", "[align]\nsize = 'x'"])
def test_a_bad_file_is_named(tmp_path: Path, content: str | bytes) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError, match=r"bad\.toml"):
        resolve(file=path, environment={}, local_file=NOWHERE)


def test_a_missing_file_is_an_error() -> None:
    with pytest.raises(UsageError, match="no configuration file"):
        resolve(file=Path("missing.toml"), environment={}, local_file=NOWHERE)


def test_assignments() -> None:
    assert parse_assignment("select.root=/data/CK+") == ("select.root", "/data/CK+")
    assert parse_assignment("select.limit = none") == ("select.limit", "none")
    assert parse_assignment("a=[1, 2]") == ("a", [1, 2])
    with pytest.raises(UsageError):
        parse_assignment("align.size")


def test_every_key_has_a_variable_of_its_own() -> None:
    variables = [key.replace(".", "_").upper() for key in known_keys()]
    assert len(variables) == len(set(variables))


def test_moving_the_data_or_adding_workers_does_not_change_the_settings() -> None:
    here = Config.model_validate({"select": {"root": "/a"}, "workers": 1})
    there = Config.model_validate({"select": {"root": "/b"}, "workers": 8, "workspace": "x"})
    assert digest(here.settings()) == digest(there.settings())
    other = Config.model_validate({"select": {"dataset": "folder"}})
    assert digest(here.settings()) != digest(other.settings())


def test_variables_of_the_test_suite_are_no_settings() -> None:
    resolve(environment={"FACEPREP_TEST_OPENFACE_MODELS": "x"}, local_file=NOWHERE)


def test_openface_has_a_variable_of_its_own() -> None:
    config = resolve(environment={"FACEPREP_OPENFACE": "/opt/of"}, local_file=NOWHERE).config
    assert config.aus.openface_bin == "/opt/of"


@pytest.mark.parametrize("key", ["augment.source_expressions", "train.classes", "classify.classes"])
@pytest.mark.parametrize(
    ("value", "near"),
    [("happines", "happiness"), ("fear,Sadnes", "sadness"), (["fear", "hapiness"], "happiness")],
)
def test_a_mistyped_expression_gets_the_one_that_was_meant(
    key: str, value: object, near: str
) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(flags={key: (value, "--set")}, environment={}, local_file=NOWHERE)
    assert caught.value.message.startswith(f"{key} (from --set)")
    assert isinstance(caught.value.hint, Again)
    assert caught.value.hint.note == f"did you mean {near}?"
    assert list(caught.value.hint.overrides) == [key]


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("train.lr", "train.learning_rate"),
        ("train.stpes", "train.steps"),
        ("peak_frames", "select.peak_frames"),
    ],
)
def test_an_unknown_key_gets_the_one_that_was_meant(key: str, near: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(flags={key: ("7", "--set")}, environment={}, local_file=NOWHERE)
    assert caught.value.hint == Again({key: None, near: "7"}, note=f"did you mean {near}?")


@pytest.mark.parametrize("key", ["train.x", "align.faces", "select.n"])
def test_a_key_of_the_same_section_alone_is_not_meant(key: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(flags={key: ("7", "--set")}, environment={}, local_file=NOWHERE)
    assert "did you mean" not in str(caught.value.hint)


def test_expressions_may_be_separated_by_commas() -> None:
    flags = {"train.classes": ("Scared, anger", "--set")}
    assert resolve(flags=flags, environment={}, local_file=NOWHERE).config.train.classes == (
        "fear",
        "anger",
    )


@pytest.mark.parametrize(
    ("recorded", "preset"),
    [
        (None, "tiny"),
        ({"demo": {"subjects": 40}, "select": {"dataset": "oulu-casia"}}, "tiny"),
        ({"demo": None, "select": {"dataset": "ck-plus"}}, "modern"),
    ],
)
def test_the_demo_pipeline_does_not_apply_to_workspaces_of_other_datasets(
    recorded: dict[str, object] | None, preset: str, tmp_path: Path
) -> None:
    if recorded is not None:
        Workspace(tmp_path).write_info("select", {"stage": "select", "config": recorded})
    resolved = resolve(
        flags={"workspace": (str(tmp_path), "--workspace")},
        environment={},
        local_file=NOWHERE,
        remembered=remembered,
    )
    assert resolved.config.train.preset == preset
    assert (resolved.config.demo is None) == (preset == "modern")
    assert resolved.sources["train.preset"] == (
        "default"
        if preset == "modern"
        else "built-in demo pipeline"
        if recorded is None
        else f"settings.toml of {tmp_path}"
    )


@pytest.mark.parametrize(
    ("flags", "message", "hint"),
    [
        (
            {"augment.seed": ("1", "--seed"), "augment.mode": ("other", "--mode")},
            "augment.mode (from --mode): other faces need the workspace that they are in",
            "name it in augment.sources",
        ),
        (
            {"augment.mix.edit": ("2", "--set")},
            "augment.mix (from --set): mix needs mode=mix",
            Again({"augment.mode": "mix"}),
        ),
        (
            {"classify.arms": (["flip@0"], "--arms")},
            "classify.arms (from --arms): no arm 'flip@0'; known: plain, flips, classic, mixup,"
            " reweighting, logistic, each also with @0",
            Again({"classify.arms": ["flips@0"]}),
        ),
        (
            {"classify.sweep": ([-1], "--sweep")},
            "classify.sweep (from --sweep): there cannot be -1 synthetic faces",
            Again({"classify.sweep": [0]}),
        ),
        (
            {"classify.times": ([0.0, float("nan")], "--times")},
            "classify.times (from --times): there cannot be nan synthetic faces",
            Again({"classify.times": [0.0]}),
        ),
        (
            {"train.steps": ("5", "--set"), "train.epochs": ("2", "--set")},
            "train.epochs (from --set): steps and epochs are both set",
            Again({"train.epochs": "none"}),
        ),
    ],
)
def test_values_that_exclude_each_other_are_explained(
    flags: dict[str, tuple[object, str]], message: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(flags=flags, environment={}, local_file=NOWHERE)
    assert (caught.value.message, caught.value.hint) == (message, hint)
