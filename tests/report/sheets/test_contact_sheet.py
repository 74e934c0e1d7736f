import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from faceprep.cli.remedies import spell
from faceprep.core.errors import FaceprepError, UsageError
from faceprep.report.sheets.contact_sheet import contact_sheet
from faceprep.report.sheets.drawing import PAPER, TILE
from faceprep.report.sheets.sections import COLUMNS
from faceprep.report.sheets.tiles import strongest
from faceprep.workspace import Workspace
from faceprep.workspace.face_index import choose, choose_failures, read_index, rows_of
from faceprep.workspace.manifest import table_from_rows, write_part

Make = Callable[..., Workspace]
EYES = (84, 200, 255)


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def near(image: np.ndarray, colour: tuple[int, int, int], within: int = 40) -> int:
    """Number of pixels of about this colour."""
    distance = np.abs(image.astype(int) - colour).max(axis=-1)
    return int((distance <= within).sum())


def test_draws_every_expression_the_failures_and_the_heatmaps(
    make_workspace: Make, tmp_path: Path
) -> None:
    workspace = make_workspace()
    out = tmp_path / "new" / "sheet.png"
    sheet = contact_sheet(workspace.root, out)
    image = pixels(out)
    assert image.shape == (sheet.height, sheet.width, 3)
    # 24 photographs: 5 is unreadable, 8 and 17 have no face; the rest is drawn, nothing twice.
    assert sheet.faces == 21
    assert sheet.failures == 3
    # Three expressions, the least certain, heatmaps and failures, each at the left margin.
    inked = (np.abs(image[112:, 40:200].astype(int) - PAPER).max(axis=-1) > 60).any(axis=1)
    headings = np.flatnonzero(np.diff(inked.astype(int)) == 1)
    gaps = np.diff(headings, prepend=-100) > 100
    assert gaps.sum() == 6
    # The photograph that is not there is a placeholder, not a crash.
    assert len(sheet.placeholders) == 1
    assert "0005" in sheet.placeholders[0]
    assert str(sheet) == f"{out}: 21 faces, 3 failures, 1 image could not be shown"
    assert sheet.as_dict()["path"] == str(out)


def test_fewer_faces_than_there_are_take_less_room(make_workspace: Make, tmp_path: Path) -> None:
    workspace = make_workspace()
    sheet = contact_sheet(workspace.root, tmp_path / "a.png", per_expression=2, failures=False)
    assert sheet.failures == 0
    assert sheet.faces < 21
    assert sheet.height < contact_sheet(workspace.root, tmp_path / "b.png").height


def test_the_same_seed_gives_the_same_bytes(make_workspace: Make, tmp_path: Path) -> None:
    workspace = make_workspace()
    out = [tmp_path / name for name in ("a.png", "b.png", "c.png")]
    for path, seed in zip(out, (1, 1, 2), strict=True):
        contact_sheet(workspace.root, path, per_expression=3, seed=seed)
    assert out[0].read_bytes() == out[1].read_bytes()
    assert out[0].read_bytes() != out[2].read_bytes()


def test_landmarks_are_drawn_only_when_wanted(make_workspace: Make, tmp_path: Path) -> None:
    workspace = make_workspace(stages=("align",))
    few = {"per_expression": 2, "failures": False}
    contact_sheet(workspace.root, tmp_path / "with.png", **few)
    contact_sheet(workspace.root, tmp_path / "without.png", landmarks=False, **few)
    assert near(pixels(tmp_path / "with.png"), EYES) > 100
    assert near(pixels(tmp_path / "without.png"), EYES) == 0


def test_needs_select_and_align_only(make_workspace: Make, tmp_path: Path) -> None:
    workspace = make_workspace(stages=("align",))
    sheet = contact_sheet(workspace.root, tmp_path / "sheet.png")
    assert sheet.faces == 21
    assert sheet.failures == 3


def test_missing_and_broken_crops_are_placeholders(make_workspace: Make, tmp_path: Path) -> None:
    workspace = make_workspace(stages=("align",))
    crops = sorted(workspace.images("align", 0).iterdir())
    crops[0].unlink()
    crops[1].write_bytes(b"not a picture")
    sheet = contact_sheet(workspace.root, tmp_path / "sheet.png", failures=False)
    assert len({text.partition(":")[0] for text in sheet.placeholders}) == 2
    assert near(pixels(sheet.path), TILE, 2) > 10_000


def test_an_unknown_dataset_folder_gives_placeholders(make_workspace: Make, tmp_path: Path) -> None:
    workspace = make_workspace(stages=("align",))
    (tmp_path / "ws-photographs").rename(tmp_path / "moved")
    sheet = contact_sheet(workspace.root, tmp_path / "a.png", per_expression=1)
    assert (sheet.failures, len(sheet.placeholders)) == (3, 3)
    root = tmp_path / "moved"
    sheet = contact_sheet(workspace.root, tmp_path / "b.png", per_expression=1, root=root)
    assert len(sheet.placeholders) == 1


def test_a_damaged_part_costs_its_faces_only(make_workspace: Make, tmp_path: Path) -> None:
    workspace = make_workspace()
    workspace.part("align", 1).write_bytes(b"PAR1")
    workspace.part("aus", 0).unlink()
    sheet = contact_sheet(workspace.root, tmp_path / "sheet.png", per_expression=30)
    assert sheet.faces == 21 - 9


def test_the_sheet_keeps_below_its_height(make_workspace: Make, tmp_path: Path) -> None:
    workspace = make_workspace(faces=120, stages=("align",))
    free = contact_sheet(workspace.root, tmp_path / "a.png", per_expression=18)
    held = contact_sheet(workspace.root, tmp_path / "b.png", per_expression=18, max_height=1300)
    assert free.height > 1300 >= held.height
    assert held.faces < free.faces


def test_every_face_failed(make_workspace: Make, tmp_path: Path) -> None:
    workspace = make_workspace(faces=9, stages=("align",))
    rows = [
        {"face_id": face_id, "status": "no_face", "reason": "none", "detector": "mtcnn"}
        for face_id in workspace.read("align", 0).column("face_id").to_pylist()
    ]
    write_part(workspace.part("align", 0), table_from_rows("align", rows), "align", {})
    sheet = contact_sheet(workspace.root, tmp_path / "sheet.png")
    assert (sheet.faces, sheet.failures) == (0, 9)


def test_a_selection_that_cannot_be_read_is_an_error(make_workspace: Make, tmp_path: Path) -> None:
    workspace = make_workspace(faces=9, stages=("align",))
    workspace.part("select", 0).write_bytes(b"")
    with pytest.raises(FaceprepError, match="not readable Parquet"):
        contact_sheet(workspace.root, tmp_path / "sheet.png")


@pytest.mark.parametrize(
    ("out", "error"), [("sheet.jpg", UsageError), ("taken/sheet.png", FaceprepError)]
)
def test_says_where_it_cannot_write(
    make_workspace: Make, tmp_path: Path, out: str, error: type[FaceprepError]
) -> None:
    workspace = make_workspace(stages=("align",))
    (tmp_path / "taken").write_text("a file, no folder")
    with pytest.raises(error) as caught:
        contact_sheet(workspace.root, tmp_path / out)
    assert spell(caught.value.hint)
    assert not list(tmp_path.glob("*.tmp"))


def test_nothing_aligned_yet_names_the_command(make_workspace: Make, tmp_path: Path) -> None:
    workspace = make_workspace(stages=())
    with pytest.raises(UsageError, match="no aligned faces") as caught:
        contact_sheet(workspace.root, tmp_path / "sheet.png")
    assert spell(caught.value.hint).startswith("faceprep align")


def test_choice_is_spread_over_subjects(make_workspace: Make) -> None:
    index = read_index(make_workspace(faces=96, stages=("align",)))
    ok = index.where(status="ok")
    subjects = index.codes["subject"][choose(index, ok, 8, seed=3)]
    assert len(set(subjects.tolist())) == 8
    subjects = index.codes["subject"][choose(index, ok, 16, seed=3)]
    assert np.bincount(subjects).tolist() == [2] * 8


def test_failures_take_turns_by_status(make_workspace: Make) -> None:
    index = read_index(make_workspace(faces=96, stages=("align",)))
    picked = choose_failures(index, 4, seed=0)
    words = [index.words["status"][code] for code in index.codes["status"][picked]]
    assert words == ["no_face"] * 3 + ["unreadable"]


def test_rows_carry_what_every_stage_says(make_workspace: Make) -> None:
    workspace = make_workspace()
    index = read_index(workspace)
    rows = rows_of(workspace, index, [1, 23], ["select.path", "align.confidence", "aus.AU12_r"])
    assert rows[1]["face_id"] == "folder/S001/0001"
    assert rows[1]["aus.AU12_r"] == 3.0
    assert rows[23]["align.confidence"] == pytest.approx(0.923)
    assert rows[23]["select.path"] == "0023.png"


def test_strongest_names_two_and_nothing_weak() -> None:
    row = {"aus.AU12_r": 3.04, "aus.AU06_r": 2.0, "aus.AU25_r": 1.0, "aus.AU01_r": None}
    assert strongest(row) == "AU12 3.0   AU06 2.0"
    assert strongest({"aus.AU12_r": 0.2}) == ""


def test_real_photographs_are_readable_thumbnails(
    make_workspace: Make, shared: Path, tmp_path: Path
) -> None:
    workspace = make_workspace(stages=("align",))
    photograph = next(iter(sorted((shared / "faces" / "images").iterdir())))
    (tmp_path / "ws-photographs" / "0005.png").write_bytes(photograph.read_bytes())
    started = time.process_time()
    sheet = contact_sheet(workspace.root, tmp_path / "sheet.png", per_expression=COLUMNS)
    assert sheet.placeholders == []
    assert time.process_time() - started < 5
    assert cv2.imread(str(sheet.path)) is not None
