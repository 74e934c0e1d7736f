"""Trials of the hints of tables, evaluations and reports."""

import shutil

import torch

from builders.hint_cases.common import FACE, FULL, OTHER, REENACT, WS
from builders.hint_preparations import (
    animated,
    copied,
    damaged,
    driven_by_units,
    fails_once,
    gives_once,
    photographs,
    repository,
    stops_at,
    trained_again,
    without_pyav,
    written,
)
from builders.hint_trials import Trial

EDITS = stops_at("faceprep.evaluation.edits.workspace.evaluate_edits")

TRIALS = {
    "stages/classify": [
        Trial(f"classify --only {WS} --folds 3 --dry-run"),
        Trial(f"classify --only {WS} --sweep 30 --dry-run"),
        Trial(f"classify --only {WS} --sweep 30 --dry-run", trained_again),
        Trial(f"classify --only {WS} --sweep 0,7 --dry-run"),
        Trial(
            f"classify --only {WS} --seed 7 --seeds 1 --overwrite",
            gives_once("torch.nn.functional.nll_loss", torch.tensor(float("nan"))),
        ),
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
        Trial(f"{REENACT} clip -o a.avi", driven_by_units),
        Trial(f"{REENACT} a.gif -o a.gif", animated),
        Trial(f"{REENACT} clip -o b.gif --frames old", animated),
        Trial(f"{REENACT} clip", without_pyav),
        Trial("config explain align.detectr"),
        Trial("config explain zzzzzzzzzz"),
        Trial("show bare", copied("my ws", "bare", "select")),
        Trial("show 'my ws'", damaged("my ws/align/part-00000.parquet")),
        Trial("show 'my ws/align/part-00000.parquet'", damaged("my ws/align/part-00000.parquet")),
    ],
}
