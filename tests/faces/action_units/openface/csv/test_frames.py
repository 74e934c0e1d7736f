from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceprep.faces.action_units.openface.csv.file import CsvFile
from faceprep.faces.action_units.openface.csv.frames import join_frames
from faceprep.faces.action_units.openface.csv.row import CsvRow


def frames(count, pattern="{:03d}.png", first=1):
    return [Path(pattern.format(k)) for k in range(first, first + count)]


def rows(numbers, times=None):
    times = [0.0] * len(numbers) if times is None else times
    return [
        CsvRow(k, frame=n, timestamp=t)
        for k, (n, t) in enumerate(zip(numbers, times, strict=True), 2)
    ]


def lines(joined):
    """Return frame name → line of its row."""
    return {path.name: [row.line for row in group] for path, group in joined.items()}


def test_as_many_rows_as_frames_are_joined_in_order():
    for numbers in (range(1, 7), range(6), [None] * 6):
        joined = join_frames(rows(list(numbers)), frames(6))
        assert lines(joined) == {f"{k:03d}.png": [k + 1] for k in range(1, 7)}


def test_file_numbers_as_frame_numbers_are_the_same_order():
    joined = join_frames(rows(range(40, 46)), frames(6, first=40))
    assert lines(joined)["040.png"] == [2]


def test_real_sequence(shared):
    path = shared / "reference" / "openface_csv" / "image_sequence.csv"
    joined = join_frames(CsvFile(path).rows(), frames(30))
    assert all(group[0].frame == int(path.stem) for path, group in joined.items())
    for count in (29, 31):
        reason = join_frames(CsvFile(path).rows(), frames(count))
        assert reason == f"has 30 rows but the sequence has {count} frames"


@given(
    st.integers(5, 30), st.integers(0, 4), st.integers(0, 4), st.booleans(), st.sampled_from([0, 1])
)
def test_a_row_more_or_less_is_never_shifted_away(length, head, tail, lost_rows, first):
    """With rows or frames missing at either end, the join is right or refused."""
    kept = range(1 + head, 1 + length - min(tail, length - head - 1))
    numbers = kept if lost_rows else range(1, length + 1)
    on_disk = frames(length) if lost_rows else frames(len(kept), first=kept[0])
    joined = join_frames(rows([number - 1 + first for number in numbers]), on_disk)
    if isinstance(joined, dict):
        for path, group in joined.items():
            assert group[0].line - 2 + numbers[0] == int(path.stem)
    elif len(numbers) != len(on_disk):
        counts = f"{len(numbers)} rows but the sequence has {len(on_disk)} frames"
        assert joined == f"has {counts}"


def test_rows_taken_out_of_the_middle_are_no_mismatch():
    """Rows without a face were removed; the frame numbers identify them."""
    joined = join_frames(rows([1, 2, 5, 6]), frames(6))
    assert lines(joined) == {"001.png": [2], "002.png": [3], "005.png": [4], "006.png": [5]}
    zero_based = join_frames(rows([0, 1, 4, 5]), frames(6))
    assert lines(zero_based) == lines(joined)
    without_the_first = join_frames(rows([3, 5, 6]), frames(6))
    assert lines(without_the_first) == {"003.png": [2], "005.png": [3], "006.png": [4]}


def test_without_the_last_number_nothing_is_proven():
    assert join_frames(rows([1, 2, 5]), frames(6)) == "has 3 rows but the sequence has 6 frames"
    assert join_frames(rows([2, 3, 5]), frames(6)) == "has 3 rows but the sequence has 6 frames"
    assert join_frames([], frames(6)) == "has 0 rows but the sequence has 6 frames"
    # the same number of rows, but for other frames
    assert "leave some out" in join_frames(rows([1, 2, 3, 4, 5, 7]), frames(6))
    assert "begin with 5" in join_frames(rows(range(5, 11)), frames(6))


def test_numbers_that_go_back_are_refused():
    assert "do not ascend" in join_frames(rows([1, 2, 4, 3, 5, 6]), frames(6))
    assert "do not ascend" in join_frames(rows([1, 2, 3, 1, 2, 3]), frames(6))


def test_times_on_the_frames_grid_prove_the_frames():
    times = [round(k / 30, 3) for k in (0, 1, 2, 9, 16, 17)]
    joined = join_frames(rows([None] * 6, times), frames(18))
    assert lines(joined)["010.png"] == [5]
    assert lines(joined)["018.png"] == [7]


@pytest.mark.parametrize(
    "kept",
    [range(17), range(1, 18), range(0, 17, 2), (0, 5, 11, 16)],
    ids=["last lost", "first lost", "every other", "a few"],
)
def test_times_that_fit_another_length_as_well_prove_nothing(kept):
    times = [round(k / 30, 3) for k in kept]
    joined = join_frames(rows([None] * len(times), times), frames(18))
    assert joined == f"has {len(times)} rows but the sequence has 18 frames"


def test_half_the_frame_rate_is_no_proof():
    """Nine frames of another recording fit a grid of 17 only with doubled steps."""
    times = [round(k / 15, 3) for k in range(9)]
    assert isinstance(join_frames(rows([None] * 9, times), frames(17)), str)


def test_several_faces_of_a_frame_stay_together():
    joined = join_frames(rows([1, 1, 2, 3, 3, 4]), frames(4))
    assert lines(joined) == {
        "001.png": [2, 3],
        "002.png": [4],
        "003.png": [5, 6],
        "004.png": [7],
    }


def test_names_without_leading_zeros_follow_the_program_that_read_them():
    """-fdir sorts 10.png before 2.png and has no times; a video of the frames has times."""
    unpadded = frames(12, "{}.png")
    by_name = lines(join_frames(rows(range(1, 13)), unpadded))
    assert (by_name["1.png"], by_name["10.png"], by_name["2.png"]) == ([2], [3], [6])
    times = [k / 30 for k in range(12)]
    by_number = lines(join_frames(rows(range(1, 13), times), unpadded))
    assert (by_number["1.png"], by_number["2.png"], by_number["10.png"]) == ([2], [3], [11])
    unknown = join_frames(rows(range(1, 13), [None] * 12), unpadded)
    assert unknown.startswith("has rows in an order that nothing tells")


def test_a_cut_last_line_does_not_move_the_others():
    cut = [*rows(range(1, 6)), CsvRow(7, fault="line 7 is cut short")]
    joined = join_frames(cut, frames(6))
    assert lines(joined)["006.png"] == [7]
