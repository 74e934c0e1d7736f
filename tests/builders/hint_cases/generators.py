"""Trials of the hints of generators: their training, faces and use."""

import shutil

from builders.hint_cases.common import BLACK, FACE, FULL, OTHER, REENACT, TRAIN, WS
from builders.hint_preparations import (
    damaged,
    driven_by_units,
    fails_once,
    gives_once,
    photographs,
    without_parts,
    without_pyav,
    written,
)
from builders.hint_trials import Trial
from faceprep.training.health import Finding

TRIALS = {
    "stages/train": [Trial(f"train --only {WS} --set train.steps=1 --dry-run")],
    "stages/augment": [
        Trial(f"augment --n 14 {WS} --mode edit"),
        Trial(f"augment --n 100000000000000000000 {WS} --dry-run"),
        Trial(f"augment --n 14 {WS} --mode edit --set augment.source_expressions=contempt"),
        Trial(f"augment --n 14 {WS} --mode other --set 'augment.sources=my ws'"),
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
        Trial(f"edit {FACE} --au AU12=7 --au AU06=1 {WS} -o a.png"),
        Trial(f"edit {FACE} --to fear --parts {WS} -o a.png", without_parts),
        Trial(f"{REENACT} data -o a.gif", driven_by_units),
        Trial(f"{REENACT} dta -o a.gif", driven_by_units),
        Trial(f"{REENACT} clip --smooth 4 -o a.gif", driven_by_units),
        Trial(f"{REENACT} clip --neutral 9 -o a.gif", driven_by_units),
        Trial(f"{REENACT} a.mp4", without_pyav),
        Trial(f"edit {FACE} --to fear {WS} --detector dilb -o a.png"),
        Trial(f"edit {FACE} --to fear {WS} --detector given -o a.png"),
        Trial(f"edit {FACE[:-1]} --to fear {WS} -o a.png"),
        Trial(f"transfer {FACE} --from {OTHER[:-1]} {WS} -o a.png"),
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
    "training": [
        Trial(f"train --only {WS} --seed 5", between=TRAIN),
        Trial(
            f"train --only {WS} --set train.steps=3",
            gives_once("faceprep.training.health.not_finite", Finding("nan", "NaN", 0.0, 0.0)),
            TRAIN,
        ),
        Trial(
            f"train --only {WS} --set train.steps=3",
            gives_once("faceprep.training.checkpoint_writer.finite", False),
            TRAIN,
        ),
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
}
