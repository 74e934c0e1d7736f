import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceprep.config import SelectConfig
from faceprep.core.errors import UsageError
from faceprep.datasets import READERS, load_reader
from faceprep.datasets.base import Report, expression_of, open_dataset, roles


@given(st.integers(1, 40), st.integers(0, 5), st.integers(1, 5))
def test_no_frame_gets_two_roles_and_the_last_is_always_peak(count, neutral, peak):
    neutrals, peaks = roles(count, neutral, peak)
    assert neutrals + peaks <= count
    assert 0 <= neutrals <= neutral
    assert 1 <= peaks <= peak
    if count >= neutral + peak:
        assert (neutrals, peaks) == (neutral, peak)
    if neutral and count > 1:
        assert neutrals >= 1


@pytest.mark.parametrize(
    ("word", "expression"),
    [("Happy", "happiness"), ("ANGER", "anger"), (" sad ", "sadness"), ("calm", None), ("0", None)],
)
def test_words_for_expressions(word, expression):
    assert expression_of(word) == expression


def test_report_keeps_few_examples_and_every_count():
    report = Report()
    for k in range(1000):
        report.leave_out("reason", f"file{k}")
        report.note("remark", f"file{k}")
    report.leave_out("other", "bad\udcff")
    plain = report.as_dict()
    assert [(entry["reason"], entry["count"]) for entry in plain["left_out"]] == [
        ("other", 1),
        ("reason", 1000),
    ]
    assert plain["left_out"][0]["examples"] == ["bad\\xff"]
    assert plain["notes"][0]["count"] == 1000
    assert len(plain["notes"][0]["examples"]) < 10


@pytest.mark.parametrize("name", READERS)
def test_a_root_that_is_not_the_dataset_gets_its_layout(name, tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(UsageError) as caught:
        open_dataset(name, tmp_path, SelectConfig(), Report())
    assert load_reader(name).layout.strip() in caught.value.message
    assert "--root" in caught.value.hint
    assert pickle.loads(pickle.dumps(caught.value)).hint == caught.value.hint


@pytest.mark.parametrize("name", READERS)
def test_a_missing_root_is_one_clear_error(name, tmp_path):
    with pytest.raises(UsageError, match="no folder"):
        open_dataset(name, tmp_path / "not" / "here", SelectConfig(), Report())
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        open_dataset(name, tmp_path / "file", SelectConfig(), Report())


def test_another_dataset_at_the_root_is_named(plant):
    root = plant("OriginalImg/VL/Strong/P001/Anger/000.jpeg")
    with pytest.raises(UsageError) as caught:
        open_dataset("ck-plus", root, SelectConfig(), Report())
    assert caught.value.hint == "it looks like oulu-casia: try --dataset oulu-casia"
    assert "000.jpeg" in caught.value.message


def test_an_unknown_dataset_is_a_usage_error():
    with pytest.raises(UsageError, match="fer2013"):
        load_reader("fer2013")
