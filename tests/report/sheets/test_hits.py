"""The sheet of retrieved faces."""

from PIL import Image

from faceprep.core.progress import Progress
from faceprep.inference.inputs import read_inputs
from faceprep.inference.retrieve import retrieve, ways_of
from faceprep.report.sheets.hits import draw_hits

QUIET = Progress(quiet=True)


def test_a_sheet_has_a_line_a_way(painter, tmp_path) -> None:
    queries = read_inputs(["folder/test001", "folder/test005"], painter, "retrieve")
    sizes = []
    for ways in ("code", "all"):
        found = retrieve(queries, painter, ways_of(ways), "train", None, 3, QUIET)
        path = draw_hits(found, painter, tmp_path / f"{ways}.png")
        with Image.open(path) as sheet:
            sizes.append(sheet.size)
    assert sizes[0][0] == sizes[1][0]
    assert sizes[1][1] - sizes[0][1] == 4 * (128 + 8 + 20)
