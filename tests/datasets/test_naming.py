"""Naming schemes of public datasets, and patterns of users."""

import pytest

from faceprep.config import SelectConfig
from faceprep.core.errors import Again, UsageError
from faceprep.core.vocabulary import EXPRESSIONS
from faceprep.datasets.naming import Name, Scheme, own_scheme, scheme_of, schemes


def read(pattern: str, path: str) -> Name | None:
    return own_scheme(pattern).read(path)


@pytest.mark.parametrize("scheme", schemes(), ids=lambda scheme: scheme.name)
def test_an_example_fits_its_own_scheme_only(scheme: Scheme) -> None:
    fitting = [one.name for one in schemes() if one.read(scheme.example)]
    assert fitting == [scheme.name]
    assert set(scheme.codes.values()) <= {*EXPRESSIONS, ""}
    assert [*scheme.codes] == [code.casefold() for code in scheme.codes]


@pytest.mark.parametrize(
    ("path", "scheme", "name"),
    [
        ("jaffe/KA.AN1.39", "jaffe", Name("KA", "AN")),
        ("happy/ym.ha2.53.tiff", "jaffe", Name("ym", "ha")),
        ("KDEF/BM24/BM24SAHR", "kdef", Name("M24", "SA")),
        ("Rafd045_72_Moroccan_male_contemptuous_left", "rafd", Name("72", "contemptuous")),
        ("Rafd090_40_Kid_female_sad_frontal", "rafd", Name("40", "sad")),
        (
            "mug/052/surprise/take003/img_0071",
            "mug",
            Name("052", "surprise", "surprise/take003", 71),
        ),
        ("yalefaces/subject04.surprised", "yale", Name("subject04", "surprised")),
        ("happy/S010_004_00000017", "ck-plus", Name("S010", None, "004", 17)),
        (
            "SAMM/014/014_2_7/014_04321",
            "samm",
            Name("014", None, "014_2_7", 4321),
        ),
        (
            "SMIC/HS/s11/micro/surprise/s11_sur_04/reg_image120",
            "smic",
            Name("s11", "surprise", "surprise/s11_sur_04", 120),
        ),
        ("140_y_f_s_b", "faces", Name("140", "s")),
        ("42M_SP_O", "nimstim", Name("42M", "SP")),
        ("M0044/M0044_DI04WH_F3D", "bu-3dfe", Name("M0044", "DI")),
        ("bs104/bs104_LFAU_12L_0", "bosphorus", Name("bs104", "LFAU_12L")),
        ("CFD-BM-203-001-HO", "cfd", Name("BM-203", "HO")),
        ("CFD-IF-615-099-N", "cfd", Name("IF-615", "N")),
        ("346/03_03/346_03_03_051_12", "multi-pie", Name("346", "03_03")),
        ("w-050-16", "ar", Name("w-050", "16")),
        ("images/082_08", "london", Name("082", "08")),
        ("M12-Contempt-Face Forward_0031", "adfes", Name("M12", "Contempt")),
        ("02-01-06-01-02-01-12", "ravdess", Name("12", "06", "02-01-06-01-02-01-12")),
        ("1091_WSI_SAD_XX-frame7", "crema-d", Name("1091", "SAD", "1091_WSI_SAD_XX", 7)),
        ("JK_su12", "savee", Name("JK", "su", "su12")),
        ("lfw/George_W_Bush/George_W_Bush_0007", "lfw", Name("George_W_Bush")),
    ],
)
def test_names_of_public_datasets(path: str, scheme: str, name: Name) -> None:
    assert {one.name: one.read(path) for one in schemes() if one.auto and one.read(path)} == {
        scheme: name
    }


@pytest.mark.parametrize(
    "path",
    [
        "happy/1", "img_0001", "happy/im123", "Training_0001", "Happy_Face_0001", "IMG_0001_2020",
        "Test_Image_0003", "001_01", "2021-01-01", "anna_happy_01", "P001/Anger/000",
    ],
)  # fmt: skip
def test_other_names_fit_no_scheme(path: str) -> None:
    assert not [one.name for one in schemes() if one.auto and one.read(path)]


def test_a_scheme_needs_nine_files_of_ten() -> None:
    files = [f"KA.AN{k}.39" for k in range(9)]
    found = scheme_of([*files, "readme"], SelectConfig())
    assert found is not None
    assert found.name == "jaffe"
    assert scheme_of([*files, "readme", "other"], SelectConfig()) is None
    assert scheme_of(files, SelectConfig(naming="none")) is None


@pytest.mark.parametrize(
    ("pattern", "path", "name"),
    [
        ("{subject}.{expression}{}.{}", "KA.AN1.39", Name("KA", "AN")),
        ("{subject}.{expression}{}.{}", "jaffe/KA.AN1.39", Name("KA", "AN")),
        ("{subject}_{expression}.{}", "s01_happy", Name("s01", "happy")),
        ("{subject}_{expression}_{}", "anna_maria_happy_2", Name("anna_maria", "happy")),
        ("{subject}{expression}", "s01sad", Name("s01", "sad")),
        ("{subject}_{expression}.jpg", "s01_happy", Name("s01", "happy")),
        ("{subject}_{expression}_{}", "s01_3_007", Name("s01", "3")),
        ("{:1}{subject:3}{expression:2}{}", "AF01ANS", Name("F01", "AN")),
        ("{subject}/{expression}/{sequence}/{frame}", "x/01/fear/a/img_0012",
         Name("01", "fear", "fear/a", 12)),
        ("{expression}/{subject}_{frame}", "sad/anna_0007", Name("anna", "sad", "sad/anna", 7)),
        ("{}_{subject}_{}_{expression}_{}", "Rafd_01_female_sad_left", Name("01", "sad")),
    ],
)  # fmt: skip
def test_own_patterns(pattern: str, path: str, name: Name) -> None:
    assert read(pattern, path) == name


def test_own_patterns_that_do_not_fit() -> None:
    assert read("{subject}/{expression}/{}", "s01_happy") is None
    assert read("{subject}_{expression}", "happy") is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pattern": "{person}_{}"}, "has no field {person}"),
        ({"pattern": "{expression}_{}"}, "needs {subject}"),
        ({"pattern": "{subject}_{subject}"}, "each field once"),
        ({"pattern": "{subject}/{}"}, "no file is named like {subject}/{}; the first is KA.AN1.39"),
        ({"naming": "kdef"}, "no file is named like AF01/AF01ANS; the first is KA.AN1.39"),
        ({"naming": "jafe"}, "select.naming=jafe is none of auto, none, jaffe"),
    ],
)
def test_wrong_settings(settings: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        scheme_of(["KA.AN1.39"], SelectConfig.model_validate(settings))
    assert message in caught.value.message


def test_a_mistyped_scheme_is_suggested() -> None:
    with pytest.raises(UsageError) as caught:
        scheme_of(["KA.AN1.39"], SelectConfig(naming="jafe"))
    assert caught.value.hint == Again({"select.naming": "jaffe"}, note="did you mean jaffe?")
