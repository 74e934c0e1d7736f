import pickle

import pytest

from faceprep.config import SelectConfig
from faceprep.core.errors import UsageError
from faceprep.datasets.registry import READERS, load_reader, open_dataset
from faceprep.datasets.report import Report


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
