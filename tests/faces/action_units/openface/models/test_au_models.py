import os
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from builders.openface import (
    CUTOFFS,
    DYNAMIC_CLASSIFIERS,
    PDM,
    POSITIVE,
    TRIANGULATION,
    classifier,
    make_shape_model,
    regressor,
    write_predictors,
)
from hypothesis import given
from hypothesis import strategies as st

from faceprep.core.errors import MissingToolError
from faceprep.core.vocabulary import INTENSITY_AUS, PRESENCE_AUS
from faceprep.faces.action_units.openface.models.au_models import find_predictors, load_models
from faceprep.faces.action_units.openface.models.linear_predictors import (
    DESCRIPTOR_SIZE,
    GEOMETRY_SIZE,
    HOG_SIZE,
    read_predictor,
)
from faceprep.faces.action_units.openface.models.matrices import MAX_BYTES

REGRESSOR = "svr_combined/AU04_static_intensity.dat"
CLASSIFIER = "svm_combined/AU28_static.dat"


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return write_predictors(tmp_path_factory.mktemp("openface") / "AU_predictors")


@pytest.fixture
def folder(template, tmp_path):
    """Return a copy of the models that a test may modify."""
    return shutil.copytree(template, tmp_path / "AU_predictors")


@pytest.fixture(scope="module")
def models(template):
    return load_models(template)


@pytest.fixture
def faces():
    rng = np.random.default_rng(1)
    hog = rng.uniform(0, 0.6, (5, HOG_SIZE)).astype(np.float32)
    return hog, rng.normal(0, 5, (5, GEOMETRY_SIZE))


def raw(path):
    """Read (bias, means, weights) of a predictor independently."""
    data = path.read_bytes()
    at = {0: 4, 1: 12, 4: 4, 5: 4}[struct.unpack_from("<i", data)[0]]
    means = np.frombuffer(data, "<f8", DESCRIPTOR_SIZE, at + 12)
    at += 24 + 8 * DESCRIPTOR_SIZE
    weights = np.frombuffer(data, "<f8", DESCRIPTOR_SIZE, at)
    return struct.unpack_from("<d", data, at + 8 * DESCRIPTOR_SIZE)[0], means, weights


def test_scores_are_those_of_each_file(template, models, faces):
    scores = models.static.scores(*faces)
    vectors = np.concatenate(faces, axis=1)
    names = [f"svr_combined/{au}_static_intensity.dat" for au in INTENSITY_AUS]
    names += [f"svm_combined/{au}_static.dat" for au in PRESENCE_AUS]
    for column, name in enumerate(names):
        bias, means, weights = raw(template / name)
        np.testing.assert_allclose(scores[:, column], (vectors - means) @ weights + bias, atol=1e-9)


def test_the_median_counts_for_dynamic_predictors_alone(models, faces):
    median = np.random.default_rng(2).uniform(0, 0.3, DESCRIPTOR_SIZE)
    dynamic = [au in CUTOFFS for au in INTENSITY_AUS]
    dynamic += [au in DYNAMIC_CLASSIFIERS for au in PRESENCE_AUS]
    assert models.dynamic.person_specific.tolist() == dynamic
    assert not models.static.person_specific.any()

    plain = models.dynamic.scores(*faces)
    shifted = models.dynamic.scores(faces[0] - median[:HOG_SIZE], faces[1] - median[HOG_SIZE:])
    scores = models.dynamic.scores(*faces, median)
    np.testing.assert_allclose(scores, np.where(dynamic, shifted, plain), atol=1e-9)
    for_each = models.dynamic.scores(*faces, np.repeat(median[None], 5, axis=0))
    np.testing.assert_allclose(for_each, scores, atol=1e-12)


def test_answers_are_clipped_and_classes_may_be_reversed(models):
    scores = np.linspace(-9, 9, 7)[:, None] * np.ones(35)
    intensities = models.static.intensities(scores)
    np.testing.assert_array_equal(intensities[:, 0], [0, 0, 0, 0, 3, 5, 5])
    assert intensities.shape == (7, 17)
    presences = models.static.presences(scores)
    for au, column in zip(PRESENCE_AUS, presences.T, strict=True):
        above = np.array([False] * 4 + [True] * 3)
        np.testing.assert_array_equal(column, above if au in POSITIVE else ~above)


def test_cutoffs_are_those_of_dynamic_regressors(models):
    expected = [CUTOFFS.get(au, np.nan) for au in INTENSITY_AUS]
    np.testing.assert_array_equal(models.dynamic.cutoffs, expected)
    assert np.isnan(models.static.cutoffs).all()


def test_the_shape_model_comes_back_in_single_precision(models):
    written = make_shape_model()
    np.testing.assert_array_equal(models.shape_model.mean, written.mean)
    np.testing.assert_array_equal(models.shape_model.modes, written.modes)
    np.testing.assert_array_equal(models.shape_model.eigenvalues, written.eigenvalues)
    assert models.triangles.shape == (111, 3)


@pytest.mark.parametrize(
    "place",
    [
        "AU_predictors",
        "lib/local/FaceAnalyser/AU_predictors",
        "build/bin/AU_predictors",
        "bin/AU_predictors",
    ],
)
def test_a_checkout_or_installation_will_do(template, tmp_path, place):
    shutil.copytree(template, tmp_path / place)
    assert find_predictors(tmp_path) == tmp_path / place
    assert load_models(tmp_path).digest == load_models(template).digest


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(MissingToolError, match="no AU predictors of OpenFace in") as error:
        load_models(tmp_path)
    assert "aus.openface_models" in (error.value.hint or "")
    assert error.value.exit_code == 5
    with pytest.raises(MissingToolError):
        load_models(tmp_path / "nowhere")


def test_models_are_read_once_until_a_file_changes(folder):
    first = load_models(folder)
    assert load_models(folder) is first
    _, means, weights = raw(folder / REGRESSOR)
    (folder / REGRESSOR).write_bytes(regressor(means, weights, 7.5))
    os.utime(folder / REGRESSOR, ns=(1, 1))
    second = load_models(folder)
    assert second.static.biases[INTENSITY_AUS.index("AU04")] == 7.5
    assert second.digest != first.digest


def test_the_digest_covers_the_files_that_are_used(folder):
    before = load_models(folder).digest
    (folder / "unused.dat").write_bytes(b"anything")
    (folder / "svm_combined/AU01_dynamic.dat").touch()
    assert load_models(folder).digest == before
    (folder / TRIANGULATION).write_text((folder / TRIANGULATION).read_text() + "\n")
    assert load_models(folder).digest != before


def spoil(change):
    """Change the bytes of a file."""

    def apply(path):
        path.write_bytes(change(path.read_bytes()))

    return apply


def huge_matrix(data):
    return data[:4] + struct.pack("<iii", 2**31 - 1, 2**31 - 1, 6) + data[16:]


def with_nan(data):
    return data[:16] + struct.pack("<d", float("nan")) + data[24:]


SPOILT = {
    "empty": (REGRESSOR, spoil(lambda data: b""), "more than 0 bytes"),
    "cut": (REGRESSOR, spoil(lambda data: data[:-1]), "more than 75267 bytes"),
    "goes on": (CLASSIFIER, spoil(lambda data: data + b"\0"), "75284 bytes instead of 75285"),
    "type": (REGRESSOR, spoil(lambda data: b"\x09" + data[1:]), "type 0, 1, 4 or 5"),
    "huge": (REGRESSOR, spoil(huge_matrix), "a matrix of 1 x 4702 float64"),
    "NaN": (REGRESSOR, spoil(with_nan), "finite numbers"),
    "missing": (CLASSIFIER, os.unlink, "cannot be read: No such file"),
    "a folder": (CLASSIFIER, lambda path: (path.unlink(), path.mkdir()), "cannot be read|a file"),
    "a pipe": (REGRESSOR, lambda path: (path.unlink(), os.mkfifo(path)), "a file of at most"),
    "sparse": (REGRESSOR, lambda path: os.truncate(path, 1 << 33), f"at most {MAX_BYTES} bytes"),
    "no list": ("main_dynamic_svms.txt", os.unlink, "main_dynamic_svms.txt cannot be read"),
    "no key": ("main_static_svms.txt", spoil(lambda d: b"PDM a.txt"), "a line with AUPredictor"),
    "one word": ("AU_all_static.txt", spoil(lambda d: b"word\n" + d), "lines of two words"),
    "outside": (
        "main_static_svms.txt",
        spoil(lambda data: data.replace(PDM.encode(), b"../../secret.txt")),
        "names of files inside the folder",
    ),
    "root": (
        "AU_all_static.txt",
        spoil(lambda data: data.replace(REGRESSOR.encode(), b"/etc/passwd")),
        "names of files inside the folder",
    ),
    "another AU": (
        "AU_all_best.txt",
        spoil(lambda data: data.replace(b" AU45", b" AU46")),
        "a regressor of AU45",
    ),
    "few": ("AU_all_static.txt", spoil(lambda d: d[: d.rindex(b"\r\n")]), "35 predictors"),
    "many": ("AU_all_static.txt", spoil(lambda data: data + b"\r\n" + data), "35 predictors"),
    "another PDM": (
        "main_dynamic_svms.txt",
        spoil(lambda data: data.replace(PDM.encode(), TRIANGULATION.encode())),
        "the PDM of main_static_svms.txt",
    ),
    "PDM cut": (PDM, spoil(lambda data: data[: len(data) // 2]), "a matrix of 204 x 34 float64"),
    "PDM words": (PDM, spoil(lambda data: data.replace(b".", b"x", 1)), "204 x 1 float64"),
    "PDM size": (PDM, spoil(lambda d: d.replace(b"204\n", b"99999999\n", 1)), "204 x 1 float64"),
    "PDM goes on": (PDM, spoil(lambda data: data + b" 1"), "3 matrices and no more"),
    "PDM flat": (PDM, spoil(lambda d: d[: d.rindex(b" ")] + b" -1\n"), "eigenvalues above zero"),
    "PDM large": (PDM, spoil(lambda d: d[: d.rindex(b" ")] + b" 1e999\n"), "1 x 34 float64"),
    "corner": (
        TRIANGULATION,
        spoil(lambda data: data[: data.rindex(b" ")] + b" 68\n"),
        "landmarks 0 to 67",
    ),
}


@pytest.mark.parametrize(("name", "change", "message"), SPOILT.values(), ids=SPOILT.keys())
def test_a_spoilt_file_is_named_with_what_was_expected(folder, name, change, message):
    change(folder / name)
    with pytest.raises(MissingToolError, match=message) as error:
        load_models(folder)
    assert str(folder) in error.value.message
    assert "aus.openface_models" in (error.value.hint or "")


@given(place=st.integers(0, 40), new=st.binary(min_size=1, max_size=16), cut=st.integers(0, 80_000))
def test_whatever_the_bytes_a_predictor_is_read_or_refused(place, new, cut):
    data = bytearray(regressor(np.zeros(DESCRIPTOR_SIZE), np.ones(DESCRIPTOR_SIZE), 0.5))
    data[place : place + len(new)] = new
    try:
        predictor = read_predictor(bytes(data[:cut]), Path("x.dat"), DESCRIPTOR_SIZE)
    except MissingToolError:
        return
    assert cut >= 75268
    assert np.isfinite(predictor.means).all()


def test_odd_numbers_of_a_predictor_are_refused(folder):
    path = folder / CLASSIFIER
    bias, means, weights = raw(path)
    path.write_bytes(classifier(means, weights, bias, (1.0, 0.5), dynamic=False))
    with pytest.raises(MissingToolError, match="classes 0 and 1"):
        load_models(folder)
    path.write_bytes(regressor(means, weights, bias, cutoff=1.0))
    with pytest.raises(MissingToolError, match="a cutoff from 0 to 1"):
        load_models(folder)


def test_the_real_models_are_what_their_description_says(openface_models):
    models = load_models(openface_models)
    for predictors in (models.static, models.dynamic):
        assert (predictors.means == predictors.means[0]).all()
        assert not predictors.means[:, HOG_SIZE:].any()
        ordinary = [au for au, yes in zip(PRESENCE_AUS, predictors.positive, strict=True) if yes]
        assert ordinary == ["AU10", "AU12", "AU25"]
        assert (predictors.positive != predictors.negative).all()
    assert not models.static.person_specific.any()
    expected = [CUTOFFS.get(au, np.nan) for au in INTENSITY_AUS]
    np.testing.assert_allclose(models.dynamic.cutoffs, expected)
    np.testing.assert_allclose(
        models.shape_model.modes.T @ models.shape_model.modes, np.eye(34), atol=1e-5
    )
