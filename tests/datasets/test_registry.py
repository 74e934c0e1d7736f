import pickle
import tarfile
import zipfile
from pathlib import Path

import pytest

from faceprep.config import SelectConfig
from faceprep.core.errors import Again, Hint, Shell, UsageError
from faceprep.datasets.registry import READERS, load_reader, open_dataset
from faceprep.datasets.report import Report


@pytest.mark.parametrize("name", READERS)
def test_a_root_that_is_not_the_dataset_gets_its_layout(name, tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(UsageError) as caught:
        open_dataset(name, tmp_path, SelectConfig(), Report())
    assert load_reader(name).layout.strip() in caught.value.message
    assert "--root" in str(caught.value.hint)
    assert pickle.loads(pickle.dumps(caught.value)).hint == caught.value.hint


@pytest.mark.parametrize("name", READERS)
def test_a_missing_root_is_one_clear_error(name, tmp_path):
    with pytest.raises(UsageError, match="no folder"):
        open_dataset(name, tmp_path / "not" / "here", SelectConfig(), Report())


def test_a_file_as_root_is_told_what_to_do_with_it(tmp_path):
    def hint(file: Path) -> Hint | None:
        with pytest.raises(UsageError, match="is a file") as caught:
            open_dataset("folder", file, SelectConfig(), Report())
        return caught.value.hint

    file, archive, folder = tmp_path / "a.jpg", tmp_path / "my faces.zip", tmp_path / "my faces"
    file.write_text("")
    assert hint(file) == Again({"select.root": tmp_path})
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(file)
    with tarfile.open(tmp_path / "my faces.tar.gz", "w:gz") as packed:
        packed.add(file)
    for path in (archive, tmp_path / "my faces.tar.gz"):
        unpack, again = hint(path)
        assert isinstance(unpack, Shell)
        assert str(path) in unpack.words
        assert again == Again({"select.root": folder}, note="when it is unpacked")


def test_a_misspelled_root_is_found(tmp_path):
    (tmp_path / "photos" / "joy").mkdir(parents=True)
    with pytest.raises(UsageError) as caught:
        open_dataset("folder", tmp_path / "fotos" / "joy", SelectConfig(), Report())
    assert caught.value.hint == Again({"select.root": tmp_path / "photos" / "joy"})
    with pytest.raises(UsageError) as caught:
        open_dataset("folder", tmp_path / "other", SelectConfig(), Report())
    assert caught.value.hint == Shell(("ls", str(tmp_path)))


def test_another_dataset_at_the_root_is_named(plant):
    root = plant("OriginalImg/VL/Strong/P001/Anger/000.jpeg")
    with pytest.raises(UsageError) as caught:
        open_dataset("ck-plus", root, SelectConfig(), Report())
    assert caught.value.hint == Again(
        {"select.dataset": "oulu-casia"}, note="it looks like oulu-casia"
    )
    assert "000.jpeg" in caught.value.message


def test_an_unknown_dataset_is_a_usage_error():
    with pytest.raises(UsageError, match="fer2013"):
        load_reader("fer2013")
