"""One photograph, aligned in memory: what other verbs than the stage do."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from builders.align import config_of, photograph, selected

from faceprep.config import AlignConfig
from faceprep.core.images import read_image, write_png
from faceprep.demo.sequence import render_sequence, sample_subject
from faceprep.execution.stage import Row
from faceprep.stages.align.stage import align_image


def test_it_is_what_the_stage_makes_of_it(
    root: Path, tmp_path: Path, align_rows: Callable[..., list[Row]]
) -> None:
    person = sample_subject(3, 1, 0.25)
    frame = next(iter(render_sequence(person, "anger", seed=3, number=0, frames=1, size=240)))
    write_png(root / "a.png", frame.image)
    (wanted,) = align_rows([selected("a.png")], detector="mtcnn")
    row, crop = align_image(frame.image, config_of(root, detector="mtcnn").align)
    assert crop is not None
    assert (crop == read_image(tmp_path / "crops" / "folder__a.png.png")).all()
    own = {"face_id", "detector", "crop", "crop_sha256"}
    assert row == {key: value for key, value in wanted.items() if key not in own}


def test_no_face_is_a_status_and_no_crop() -> None:
    row, crop = align_image(photograph(), AlignConfig())
    assert crop is None
    assert (row["status"], row["reason"]) == ("no_face", "no face found")
    row, crop = align_image(np.zeros((60, 60, 3), np.uint8), AlignConfig(detector="dlib"))
    assert crop is None
