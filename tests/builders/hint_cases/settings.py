"""Trials of the hints on settings, devices, files and datasets."""

from pathlib import Path

import pytest
from loky.process_executor import TerminatedWorkerError

from builders.hint_cases.common import BLACK, DATA, DRAW, FACE, FULL, NEW, OTHER, TRAIN, WS
from builders.hint_preparations import (
    Prepare,
    copied,
    environment,
    fails_once,
    photographs,
    written,
    zipped,
)
from builders.hint_trials import Trial

FOLDER = f"select --dataset folder --root faces {NEW} --dry-run"

CELEBA = f"select --dataset celeba --root celeba {NEW} --dry-run"
IMAGES = "celeba/img_align_celeba"
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


def pixels(*names: str) -> Prepare:
    """Write tables of pixels, as FER2013 is."""
    rows = [f"{number},{' '.join(['9'] * 48 * 48)}\n" for number in range(7)]

    def prepare(place: Path, patch: pytest.MonkeyPatch) -> None:
        for name in names:
            (place / name).parent.mkdir(exist_ok=True)
            (place / name).write_text("".join(["emotion,pixels\n", *rows]))

    return prepare


TRIALS = {
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
        Trial(f"train --only {WS} --generator exprgann", between=TRAIN),
        Trial("show 'my ws' --sheet a.png", photographs("a.png", folder=".")),
        Trial("show 'my ws' --sheet 'my ws/align/a.png'"),
        Trial(f"edit a.heic --to fear {WS} -o a.png", written(a_heic=HEIC)),
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
        Trial(FOLDER, photographs("qwert/a.jpg", "yuiop/b.jpg")),
        Trial(
            FOLDER,
            photographs("train/joy/KA.HA1.29.jpg", "test/sad/KA.SA1.33.jpg"),
        ),
        Trial(f"select --dataset folder --root px.csv {NEW} --dry-run", pixels("px.csv")),
        Trial(f"select --dataset table --root px {NEW} --dry-run", pixels("px/a.csv", "px/b.csv")),
        Trial(
            f"select --dataset table --root a.csv {NEW} --dry-run",
            photographs("b.jpg", folder=".", a_csv="image,expression\nb.jpg,fear\n"),
        ),
        Trial(f"{FOLDER} --set select.table=t.parquet", photographs("a.jpg", faces__t_parquet="x")),
        Trial(CELEBA, photographs("000001.jpg", folder=IMAGES, celeba__list_eval_partition_txt="")),
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
        Trial("demo new --layout ck-pls --subjects 1"),
        Trial("demo new --subjects 81", between=DRAW),
        Trial("demo this.txt --subjects 1", written(this_txt="")),
        Trial(
            "demo new --subjects 2 --workers 2",
            fails_once("loky.as_completed", TerminatedWorkerError("killed")),
        ),
        Trial("demo data --subjects 1"),
        Trial("demo faces --subjects 1", written(faces__a_txt="")),
        Trial("demo new --subjects 1", fails_once("faceprep.demo.store.render_subject", FULL)),
    ],
}
