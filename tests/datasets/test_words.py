import unicodedata

import pytest
from pydantic import ValidationError

from faceprep.config import SelectConfig
from faceprep.core.errors import UsageError
from faceprep.datasets.report import Report
from faceprep.datasets.words import note_words, read_words, unknown_words


def meanings(*words: str, place: str = "", **settings: object) -> tuple[dict, list[str]]:
    report = Report()
    select = SelectConfig.model_validate(settings)
    reading = read_words(dict.fromkeys(words, 2), select, place)
    if not reading.known and reading.unknown:
        raise unknown_words(reading, "folders")
    note_words(reading, select, report, "folders")
    return {word: reading.expressions.get(word) for word in words}, list(report.notes)


ALPHABETICAL = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")


@pytest.mark.parametrize(
    "words",
    [
        "Angry DISGUSTED fearful Happy Neutral sad Surprised",
        "1_Anger 2_disgust 3_fear 4_happy 5_neutral 6_sad 7_surprise",
        "01-angry 02-disgust 03-afraid 04-joy 05-normal 06-sadness 07-surprise",
        "anger_01 disgust_01 fear_01 happy_01 neutral_01 sad_01 surprise_01",
        "AngryFaces DisgustFaces FearFaces HappyFaces NeutralFaces SadFaces SurpriseFaces",
        "colère dégoût peur joie neutre tristesse surprise",
        "wütend Ekel Angst Freude neutral Trauer Überraschung",
        "Aerger angewidert aengstlich froehlich neutral traurig ueberrascht",
        "ira asco miedo felicidad neutro tristeza sorpresa",
        "rabbia disgusto paura gioia neutrale tristezza sorpresa",
        "raiva nojo medo alegria neutro tristeza surpresa",
        "boos walging bang blij neutraal verdrietig verrast",
        "生气 厌恶 害怕 高兴 中性 悲伤 惊讶",
        "憤怒 厭惡 恐懼 快樂 中立 悲傷 驚訝",
        "怒り 嫌悪 恐怖 喜び 無表情 悲しみ 驚き",
        "분노 혐오 공포 행복 중립 슬픔 놀람",
        "гнев отвращение страх радость нейтральное грусть удивление",
        "kızgın iğrenme korku mutlu nötr üzgün şaşkın",
        "złość wstręt strach radość neutralny smutek zaskoczenie",
        "AN DI FE HA NE SA SU",
        "an di af ha ne sa su",
        "ANG DIS FEA HAP NEU SAD SUR",
        "AN1 DI2 FE3 HA1 NE2 SA3 SU1",
    ],
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_words_of_many_languages_and_spellings(words, form):
    found, _ = meanings(*unicodedata.normalize(form, words).split())
    assert tuple(found.values()) == ALPHABETICAL


def test_misspelled_words_are_understood_and_said():
    words = ("suprise", "hapiness", "disguist", "angery", "saddness", "nuetral", "fearfull")
    found, notes = meanings(*words)
    expected = ("surprise", "happiness", "disgust", "anger", "sadness", "neutral", "fear")
    assert tuple(found.values()) == expected
    assert "suprise = surprise" in notes[0]
    assert "is this right? select.words.suprise changes it" in notes[0]


def test_the_opposite_of_a_word_is_not_taken_for_it():
    found, notes = meanings("happy", "non-happy", "not neutral", "sad")
    assert (found["non-happy"], found["not neutral"]) == (None, None)
    assert "unknown words, so unlabelled: non-happy (2), not neutral (2)" in notes[0]


def test_single_letters_are_codes_only_if_all_words_are():
    found, _ = meanings("a", "d", "f", "h", "n", "s")
    assert list(found.values()) == ["anger", "disgust", "fear", "happiness", "neutral", "sadness"]
    found, _ = meanings("a", "b", "happy")
    assert (found["a"], found["b"]) == (None, None)


FER2013 = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"]
AFFECTNET = ["neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt"]
RAF_DB = ["surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"]
CK = ["neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise"]
CK_CSV = [*FER2013, "contempt"]


@pytest.mark.parametrize(
    ("numbers", "place", "scheme", "expected"),
    [
        (range(7), "", "fer2013", FER2013),
        (range(7), "data/AffectNet-7/labels.csv", "affectnet", AFFECTNET[:7]),
        (range(8), "", "affectnet", AFFECTNET),
        (range(11), "", "affectnet", [*AFFECTNET, None, None, None]),
        (range(1, 8), "", "raf-db", RAF_DB),
        (range(7), "RAF-DB", "raf-db-0", RAF_DB),
        (range(1, 8), "CK+", "ck+", CK[1:]),
        (range(8), "ck-plus", "ck+", CK),
        (range(8), "ckextended.csv", "ck+csv", CK_CSV),
        (range(8), "FERPlus", "fer+", ["neutral", "happiness", "surprise", "sadness", "anger",
                                       "disgust", "fear", "contempt"]),
        ((0, 3, 6), "", "fer2013", ["anger", "happiness", "neutral"]),
        ((1, 2, 3, 4, 5, 6), "", "raf-db", RAF_DB[:6]),
    ],
)  # fmt: skip
def test_numbers_of_public_datasets_are_recognised_and_confirmed(numbers, place, scheme, expected):
    found, notes = meanings(*map(str, numbers), place=place)
    assert list(found.values()) == expected
    assert notes[0].startswith(f"folders: numbers of {scheme}: ")
    assert "is this right?" in notes[0]
    assert f"{numbers[0]} = {expected[0]} (2)" in notes[0]


def test_spellings_of_a_number_are_equal():
    words = ("0", "1.0", "02", "3.", " 4", "5", "class_6")
    assert list(meanings(*words)[0].values()) == FER2013
    found, _ = meanings("3", "3.0", "03", words={"03": "fear"})
    assert set(found.values()) == {"fear"}


def test_few_numbers_are_no_scheme_and_the_error_shows_what_they_could_mean():
    with pytest.raises(UsageError, match=r"0 \(2\), 1 \(2\)") as caught:
        meanings("0", "1")
    assert "select.numbers=affectnet: 0 = neutral (2), 1 = happiness (2)" in caught.value.message
    assert caught.value.hint[0].overrides == {"select.numbers": "fer2013"}
    found, notes = meanings("0", "1", numbers="affectnet")
    assert list(found.values()) == ["neutral", "happiness"]
    assert "is this right" not in notes[0]


def test_a_scheme_may_be_named_in_other_spellings():
    assert meanings("0", "2", numbers="FERPlus")[0] == {"0": "neutral", "2": "surprise"}
    with pytest.raises(UsageError, match=r"select\.numbers=afectnet is none of") as caught:
        meanings("0", "2", numbers="afectnet")
    assert caught.value.hint.overrides == {"select.numbers": "affectnet"}


def test_numbers_beside_words_are_unknown():
    found, notes = meanings("happy", "sad", "1", "2")
    assert (found["1"], found["2"]) == (None, None)
    assert "unknown words" in notes[0]


def test_no_known_word_is_an_error_with_all_words_and_a_hint():
    with pytest.raises(UsageError, match=r"kolero \(2\), tedo \(2\)") as caught:
        meanings("kolero", "tedo")
    assert caught.value.hint[0].overrides == {"select.words.kolero": "neutral"}
    found, _ = meanings("kolero", "tedo", words={"kolero": "anger", "tedo": "none"})
    assert found == {"kolero": "anger", "tedo": None}


def test_words_that_mean_no_expression_are_said():
    found, notes = meanings("happy", "sad", "unknown", "NF", "?", "nan")
    assert list(found.values()) == ["happiness", "sadness", None, None, None, None]
    assert notes == ["folders: no expression, so unlabelled: ? (2), NF (2), nan (2), unknown (2)"]


def test_a_setting_overrules_and_says_if_the_word_is_absent():
    found, notes = meanings("Joy", "sad", words={"joy": "surprise", "sda": "anger"})
    assert found == {"Joy": "surprise", "sad": "sadness"}
    assert notes == ["select.words.sda: folders has no such word; did you mean sad?"]


def test_settings_of_words_with_dots_and_bad_meanings():
    nested = SelectConfig.model_validate({"words": {"3": {"0": "fear"}, "calm": "none"}})
    assert nested.words == {"3.0": "fear", "calm": None}
    with pytest.raises(ValidationError):
        SelectConfig.model_validate({"words": {"3": "happyness"}})


def test_names_of_people_are_no_codes():
    assert not read_words({"S001": 3, "S002": 3, "A01": 1}, SelectConfig()).known
