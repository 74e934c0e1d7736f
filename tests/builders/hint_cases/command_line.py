"""Trials of the hints of `faceprep.cli` and `faceprep.workspace`."""

from builders.hint_cases.common import DATA, DRAW, FACE, FULL, NEW, SELECT, TRAIN, WS
from builders.hint_preparations import (
    copied,
    damaged,
    fails_once,
    repository,
    several,
    stopped_early,
)
from builders.hint_trials import Trial

TRIALS = {
    "cli": [
        Trial("status 'my ws' --workspace other"),
        Trial("status 'my w'"),
        Trial(f"run --until alin {DATA} {NEW} --dry-run"),
        Trial(f"align {WS} {DATA} {SELECT} --shard 5/4"),
        Trial(f"align {WS} {DATA} {SELECT}"),
        Trial(f"align {WS} {DATA} --set align.size=96 --set align.size=112 --dry-run"),
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
    "workspace": [
        Trial("show", between=DRAW),
        Trial("new-faces", between=DRAW),
        Trial("show", several),
        Trial("show 'my w'"),
        Trial("new-faces --workspace bare", copied("my ws", "bare", "select", "align"), TRAIN),
        Trial("new-faces --generator 'my ws'"),
        Trial("new-faces --generator 'my ws/train/exprgan/generatr.safetensors'"),
        Trial("train --only --workspace new", between=DRAW),
        Trial(f"edit {FACE} --to fear {WS} -o a.png", stopped_early),
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
