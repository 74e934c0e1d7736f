"""The stage and the aligner of other verbs give the same row and crop."""

from collections.abc import Callable
from pathlib import Path

from builders.align import config_of, selected

from faceprep.core.images import read_image, write_png
from faceprep.demo.sequence import render_sequence, sample_subject
from faceprep.faces.aligner import Aligner
from faceprep.workspace.manifest import Row


def test_the_aligner_gives_the_row_and_the_crop_of_the_stage(
    root: Path, tmp_path: Path, align_rows: Callable[..., list[Row]]
) -> None:
    person = sample_subject(3, 1, 0.25)
    frame = next(iter(render_sequence(person, "anger", seed=3, number=0, frames=1, size=240)))
    write_png(root / "a.png", frame.image)
    (wanted,) = align_rows([selected("a.png")], detector="mtcnn")
    aligned = Aligner(config_of(root, detector="mtcnn").align).align_one(frame.image)
    assert aligned.crop is not None
    assert (aligned.crop == read_image(tmp_path / "crops" / "folder__a.png.png")).all()
    own = {"face_id", "detector", "crop", "crop_sha256"}
    assert aligned.columns == {key: value for key, value in wanted.items() if key not in own}
