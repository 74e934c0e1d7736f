"""Refuse typed flags and settings without effect, with the reason."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from faceprep.cli import app
from faceprep.cli.effect import refuse_without_effect
from faceprep.config import STAGES, Config
from faceprep.config.sources import known_keys
from faceprep.core.errors import UsageError

FOLDER = "--dataset folder --root photos"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (f"align {FOLDER} --set heatmaps.sigma=3", "this command does not read heatmaps.sigma"),
        (f"align {FOLDER} --only --limit 5", "--limit 5 has no effect: this command does not"),
        (f"align {FOLDER} --set align.dlib_model=cnn", "align.detector=mtcnn does not read it"),
        (f"aus {FOLDER} --set demo.subjects=3", "it needs the drawn dataset"),
        (f"aus {FOLDER} --set aus.openface_csv=csv", "it needs aus.backend=openface-csv"),
        (f"run {FOLDER} --engine local --scheduler tcp://x:1", "--scheduler tcp://x:1 has no eff"),
        (f"run {FOLDER} --set slurm.time=5", "it needs engine=slurm"),
        (f"run {FOLDER} --engine slurm --set slurm.train.time=5", "it is for the jobs of train"),
        (f"run {FOLDER} --set train.seed=5", "this command does not read train.seed"),
        ("run --dataset celeba --root photos --seed 3", "--seed 3 has no effect: it needs select"),
        ("select --dataset celeba --root photos --set select.numbers=ck+", "select.dataset=folder"),
        ("augment --n 8 --set augment.tries=3", "it needs augment.filter"),
        ("augment --n 8 --set augment.sources=w", "it needs augment.mode=other"),
        ("augment --n 8 --set train.preset=paper", "does not read train.preset"),
        ("classify --only --generator other", "it needs synthetic faces in the table"),
        ("classify --only --arms logistic --set classify.updates=9", "that trains a network"),
        ("train --only --limit 9", "--limit 9 has no effect"),
        ("train --only --retry-failed", "--retry-failed has no effect: the crops are used as they"),
        ("edit a.jpg --grid --intensity 0.5", "--intensity has no effect: --grid draws five"),
        ("retrieve --evaluate -o a.png --top 3", "--top and --out have no effect"),
        ("retrieve a.jpg --by pixel --expression fear", "--expression has no effect"),
        ("show --seed 3", "--seed has no effect"),
    ],
)  # fmt: skip
def test_what_has_no_effect_is_refused(words: str, reason: str) -> None:
    done = CliRunner().invoke(app, words.split())
    assert done.exit_code == 2, done.stderr
    assert reason in done.stderr
    assert "  → faceprep " in done.stderr


def test_the_hint_leaves_it_out_or_gives_it_an_effect() -> None:
    done = CliRunner().invoke(app, f"aus {FOLDER} --set aus.openface_csv=csv --json".split())
    kept = "faceprep aus --dataset folder --root photos"
    assert (
        f"→ {kept} --set aus.openface_csv=csv --json --set aus.backend=openface-csv\n"
        in done.stderr
    )
    assert f"→ {kept} --json   # leaves it out\n" in done.stderr


def test_a_file_and_a_default_may_have_no_effect(place: Path) -> None:
    (place / "later.toml").write_text("[augment]\ntries = 3\n[slurm]\ntime = 5\n")
    words = f"select -c later.toml {FOLDER} --dry-run --set select.table=none"
    done = CliRunner().invoke(app, words.split())
    assert "has no effect" not in done.stderr
    assert "photos is not folder; expected" in done.stderr  # what the empty folder leads to


def test_settings_of_later_stages_get_a_note(place: Path) -> None:
    words = f"run {FOLDER} --until select --set align.detector=dlib --set aus.input=crop"
    done = CliRunner().invoke(app, words.split())
    assert "note: not read until a later stage: align.detector, aus.input\n" in done.stderr
    assert "has no effect" not in done.stderr


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (
            "--set align.size=96 --set align.size=112",
            "align.size is given twice: --set align.size=96 and --set align.size=112",
            "--set align.size=112",
        ),
        ("-j 2 --set workers=1", "workers is given twice: --workers 2 and --set workers=1", "-j 1"),
    ],
)
def test_a_setting_typed_twice_is_refused(place: Path, words: str, said: str, hint: str) -> None:
    done = CliRunner().invoke(app, f"align {FOLDER} --dry-run {words}".split())
    assert done.exit_code == 2
    assert said in done.stderr
    line = f"→ faceprep align {FOLDER} --dry-run {hint}\n"
    assert line.replace("-j", "--workers") in done.stderr


def test_the_same_value_typed_twice_is_accepted(place: Path) -> None:
    twice = "--set align.size=96 --set align.size=96 --limit 3 --limit 4"
    done = CliRunner().invoke(app, f"align {FOLDER} --dry-run {twice}".split())
    assert "given twice" not in done.stderr


def test_redundant_flags_get_a_note(place: Path) -> None:
    words = (
        "align --only --overwrite --retry-failed --dry-run --device cuda --set align.detector=dlib"
    )
    done = CliRunner().invoke(app, words.split())
    assert "note: --retry-failed changes nothing here: --overwrite redoes every row" in done.stderr
    assert "note: --device cuda changes nothing here: this runs on the CPU" in done.stderr
    others = ["align", "--only", "--dry-run", "--engine", "slurm", "-j", "2"]
    slurm = CliRunner().invoke(app, others)
    assert "note: --workers changes nothing here: slurm.cpus sets" in slurm.stderr
    assert "note:" not in CliRunner().invoke(app, [*words.split(), "-q"]).stderr


@pytest.mark.parametrize("key", known_keys())
def test_every_setting_is_read_by_a_verb_and_refused_by_another(key: str) -> None:
    """A new section or setting belongs to a verb."""
    config = Config.model_validate({"engine": "slurm"})
    verbs = [*([stage] for stage in STAGES), ["train"], ["augment"], ["classify"]]
    refused = []
    for read in verbs:
        try:
            refuse_without_effect(config, {key: ("a value", "--set")}, read)
        except UsageError as error:
            refused.append("does not read" in error.message)
    assert refused.count(True) < len(verbs), "no verb reads it"
