"""The workspace in which trials are made, and words and preparations that many share."""

import errno
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest

from builders.hint_preparations import stops_at
from builders.hint_trials import invoke
from builders.training import SMALLEST

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
NEW, WS = "--workspace new", "--workspace 'my ws'"
DATA = "--dataset oulu-casia --root data"
FACE, OTHER = "oulu-casia/P073/Anger/003", "oulu-casia/P073/Fear/003"
REENACT = f"reenact {FACE} {WS} --generator toy-aus"
BLACK = cv2.imencode(".png", np.zeros((200, 200, 3), np.uint8))[1].tobytes()
TRAIN = stops_at("faceprep.stages.train.run._train")
DRAW = stops_at("faceprep.stages.pipeline.render")
FULL = OSError(errno.ENOSPC, "No space left on device")

_COMMANDS = (
    "demo data",
    f"run {DATA} {WS} {SELECT}",
    f"train --only {WS} {shlex.join(SMALLEST)}",  # the workspace remembers them
    f"augment --n 14 {WS}",
    f"classify --only {WS} --sweep 0,14 --seeds 1",
    f"check --baseline base.json {WS} --update --reason new",
)


def make_master(folder: Path) -> None:
    """Make a folder with a dataset ``data`` and a finished workspace ``my ws``."""
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for words in _COMMANDS:
            done = invoke(shlex.split(words))
            assert done.exit_code == 0, done.stderr
