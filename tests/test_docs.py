"""Every ``faceprep`` command in README and docs runs, on a small demo in place of the datasets.

The commands of a page run in their order, in one folder that holds what the pages presume: the demo
workspace with a trained generator, datasets below ``/data``, and photographs. Sizes and lengths
are reduced through the environment. Commands that need another program or a cluster run with
``--dry-run``.
"""

import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders.training import SMALLEST
from typer.testing import CliRunner

from faceprep.cli import app

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

SMALL = {
    "FACEPREP_DEMO_SUBJECTS": "5",
    "FACEPREP_DEMO_FRAMES": "4",
    "FACEPREP_DEMO_SIZE": "160",
    "FACEPREP_SELECT_PEAK_FRAMES": "1",
    "FACEPREP_TRAIN_PRESET": "tiny",
    "FACEPREP_TRAIN_SIZE": "32",
    "FACEPREP_TRAIN_STEPS": "2",
    "FACEPREP_TRAIN_BATCH": "4",
    "FACEPREP_TRAIN_CALIBRATE": "0",
    "FACEPREP_CLASSIFY_UPDATES": "2",
    "FACEPREP_SELECT_FOLDS": "2",
    "FACEPREP_WORKERS": "1",
    "FACEPREP_DEVICE": "cpu",
}

#: Verbs that take the only workspace; here there are several.
ONE_WORKSPACE = ("edit", "transfer", "new-faces", "retrieve")

#: Folds that are trained, and the number of folds in the pages.
FOLDS, MANY_FOLDS = ("0", "1"), "10"

#: Numbers of faces and of people in the pages, and those used here.
FEWER = {"3000": "14", "30000": "14", "0,3000": "0,14", "0,3000,30000": "0,14", "20": "2"}

#: What keeps a verb short that no setting shortens.
SHORT = {("evaluate", "edits"): "--sources 4 --identities 2 --intensities 0,0.5,1"}

#: Languages of code blocks that hold commands.
SHELL = ("", "bash", "sh")

#: Parts of commands that need more than this machine; they are planned, not run.
ELSEWHERE = (
    "--engine", "--scheduler", "aus.openface_bin", "aus.openface_flags",
    "aus.openface_models", "aus.openface_csv",
)  # fmt: skip

DONE, SOME_ROWS_FAILED, GATE_FAILED, MISSING_TOOL = 0, 3, 4, 5


def commands(page: Path) -> list[str]:
    """Return the faceprep command lines in the code blocks of a page, shell loops taken apart."""
    lines, language = [], None
    for line in page.read_text().replace("\\\n", " ").splitlines():
        if line.startswith("```"):
            language = line.removeprefix("```") if language is None else None
        elif language in SHELL:
            lines.append(line)
    found = []
    for line in lines:
        parts = [part.strip().removeprefix("do ") for part in line.split(";")]
        for fold in FOLDS if line.startswith("for k in ") else FOLDS[:1]:
            found += [part.replace("$k", fold) for part in parts if part.startswith("faceprep ")]
    return found


def words(command: str, data: Path) -> list[str]:
    """Return the arguments of a command, with small numbers and this folder's datasets."""
    expanded = os.path.expandvars(command).replace("~/", f"{Path.home()}/")
    parts = shlex.split(expanded.replace("/data/", f"{data}/"), comments=True)[1:]
    parts = [FEWER.get(part, part) for part in parts]
    if "--folds" in parts:
        parts[parts.index(MANY_FOLDS)] = str(len(FOLDS))
    if parts[0] in ONE_WORKSPACE:
        parts += ["--workspace", "manifests/demo"]
    parts += SHORT.get(tuple(parts[:2]), "").split()
    planned = any(mark in command for mark in ELSEWHERE) and "--dry-run" not in parts
    return [*parts, "--dry-run"] if planned else parts


def run(*arguments: str) -> None:
    """Run a command that prepares the folder."""
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code in (DONE, SOME_ROWS_FAILED), f"{arguments}\n{result.output}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder with what the pages presume, as the working directory and home."""
    place = tmp_path_factory.mktemp("docs")
    data = place / "data"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**SMALL, "HOME": str(place)}.items():
            patch.setenv(name, value)
        patch.chdir(place)
        shutil.copytree(ROOT / "pipelines", place / "pipelines")
        (place / "manifests" / "baselines").mkdir(parents=True)
        for layout, name in (
            ("ck-plus", "CK+"),
            ("oulu-casia", "Oulu-CASIA"),
            ("celeba", "CelebA"),
        ):
            run("demo", str(data / name), "--layout", layout, "--subjects", "3", "--frames", "4")
        photos = sorted((data / "Oulu-CASIA").rglob("*.jpeg"))
        for expression in ("Happiness", "Surprise", "Anger"):
            (place / "photos" / expression.lower()).mkdir(parents=True)
            for number, photo in enumerate([p for p in photos if expression in p.parts][-8:]):
                shutil.copy(photo, place / "photos" / expression.lower() / f"{number}.jpeg")
        shutil.copy(photos[0], place / "me.jpg")
        shutil.copy(photos[-1], place / "smiling.jpg")
        run("run")
        run("train", "--only", *SMALLEST)  # the workspace remembers them
        run("run", "-c", "pipelines/ck_plus.toml", "--set", f"select.root={data / 'CK+'}")
        shutil.copytree("manifests/ck-plus", "manifests/ck-plus-openface")
        shutil.copytree("manifests/demo", "manifests/gate")
        run("augment", "--n", "14", "--workspace", "manifests/gate")
        run(
            "classify", "--only", "--sweep", "0,14", "--seeds", "1", "--workspace", "manifests/gate"
        )
        baseline = ("--baseline", "manifests/baselines/gate.json", "--workspace", "manifests/gate")
        run("check", *baseline, "--update", "--reason", "a small study for the pages")
        yield place


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_runs(page: Path, folder: Path) -> None:
    failed = []
    for command in commands(page):
        arguments = words(command, folder / "data")
        result = CliRunner().invoke(app, arguments)
        allowed = {DONE, SOME_ROWS_FAILED}
        if "--dry-run" in arguments:
            allowed.add(MISSING_TOOL)
        if result.exit_code not in allowed:
            failed.append(f"{command}\n  exit code {result.exit_code}\n{result.output[-500:]}")
    assert not failed, "\n".join(failed)


def test_the_pages_have_commands() -> None:
    assert sum(len(commands(page)) for page in PAGES) > 40
