"""The sheet of new faces."""

from PIL import Image

from faceprep.inference.new_faces import make_new_faces
from faceprep.report.sheets.new_faces import draw_new_faces


def test_a_seed_gives_the_same_sheet(painter, tmp_path):
    paths = [
        draw_new_faces(make_new_faces(painter, 2, seed), painter, tmp_path / f"{number}.png").paths[
            0
        ]
        for number, seed in enumerate((0, 0, 1))
    ]
    sheets = [path.read_bytes() for path in paths]
    assert sheets[0] == sheets[1]
    assert sheets[0] != sheets[2]
    with Image.open(paths[2]) as sheet:
        assert sheet.text["seed"] == "1"
