import pytest

from faceprep.config import SelectConfig
from faceprep.core.errors import UsageError
from faceprep.datasets.folder.labels import folder_expression, folder_words, note_folders
from faceprep.datasets.report import Report


def labels(*folders: str, place: str = "", **settings: object) -> tuple[dict, list[str]]:
    report, select = Report(), SelectConfig.model_validate(settings)
    counts = dict.fromkeys(folders, 2)
    words = folder_words(counts, select, place)
    note_folders(words, counts, select, report)
    return {folder: folder_expression(folder, words) for folder in folders}, list(report.notes)


def test_numbers_as_folders_are_a_scheme_and_people_are_not():
    found, notes = labels(*(f"train/{k}" for k in range(1, 8)), "test/1")
    assert found["train/1"] == found["test/1"] == "surprise"
    assert notes[0].startswith("names of folders: numbers of raf-db: 1 = surprise (4), ")
    found, _ = labels(*(f"train/{k}" for k in range(8)), place="data/CK+48/")
    assert found["train/0"] == "neutral"
    assert found["train/7"] == "surprise"
    found, notes = labels(*(f"{k:03d}" for k in range(1, 8)))
    assert not any(found.values())


def test_words_win_over_numbers_and_codes_of_other_levels():
    found, _ = labels("1/happy", "2/sad", "3/happy", "7/sad", "5/sad", "6/anger")
    assert set(found.values()) == {"happiness", "sadness", "anger"}
    found, _ = labels("AN/happy", "SA/sad")
    assert list(found.values()) == ["happiness", "sadness"]
    found, _ = labels("S1/AN", "S1/HA", "S2/SA")
    assert list(found.values()) == ["anger", "happiness", "sadness"]


def test_unknown_folders_beside_known_ones_are_listed_with_counts():
    found, notes = labels("happy", "sad", "smirk", "smirk/more", "train")
    assert (found["smirk"], found["train"]) == (None, None)
    assert any("smirk (2)" in note and "more (2)" in note for note in notes)


def test_a_few_folders_without_a_known_word_are_an_error():
    with pytest.raises(UsageError, match=r"kolero \(2\), timo \(2\)") as caught:
        labels("kolero", "timo")
    word, keep = caught.value.hint
    assert list(word.overrides) == ["select.words.kolero"]
    assert keep.overrides == {"select.unlabelled": True}
    found, notes = labels("kolero", "timo", unlabelled=True)
    assert not any(found.values())
    assert "every image is unlabelled" in notes[0]
    with pytest.raises(UsageError, match=r"select\.numbers=fer2013"):
        labels("0", "1")
    found, _ = labels("kolero", "timo", words={"kolero": "anger", "timo": "fear"})
    assert list(found.values()) == ["anger", "fear"]


def test_one_folder_or_many_names_are_photographs_without_labels():
    assert labels("trip")[0] == {"trip": None}
    assert not any(labels(*(f"person{chr(97 + k)}" for k in range(20)))[0].values())
