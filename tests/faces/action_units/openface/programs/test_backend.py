"""Test the backend with working programs: photographs, crops, sequences, settings."""

import hashlib
import json
import os
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest
from builders.openface_csv import STILL_COLUMNS, cells, csv_text, face_at, face_of
from builders.openface_stand_in import answers
from PIL import Image

from faceprep.config import Config
from faceprep.core.images import read_image, write_png
from faceprep.core.vocabulary import COLUMNS_R
from faceprep.faces.action_units import backend as backends
from faceprep.faces.action_units.openface.programs.backend import ProgramBackend


def test_many_pictures_in_one_run(root, tool, photographs, run):
    names = photographs(12)
    for k, name in enumerate(names):
        tool.order(root / name, au=k / 4)
    results = run([face_of(name) for name in names[::-1]])
    assert answers(results) == [k / 4 for k in range(11, -1, -1)]
    assert {(r.variant, r.confidence) for r in results} == {("static", 0.98)}
    assert tool.calls() == ["FaceLandmarkImg 12"]
    last = tool.last()
    assert last["arguments"][-4:] == ["-2Dfp", "-pdmparams", "-aus", "-q"]
    assert last["threads"] == "1"
    assert last["cwd"] == str(tool.folder)  # models are expected beside the program


def test_real_output_is_replayed(root, tool, shared, photographs, run):
    names = photographs(4)
    folder = shared / "reference" / "openface_csv"
    for name, source in zip(names, ("sample2", "sample6", "bald_guys"), strict=False):
        tool.order(root / name, text=(folder / f"{source}.csv").read_text())
    tool.order(root / names[3], "noface")
    known = pd.read_csv(folder / "sample6.csv", skipinitialspace=True).iloc[7]
    points = np.array([[known[f"x_{k}"], known[f"y_{k}"]] for k in range(68)], dtype=float)
    first, ours, third, none = run([face_of(name, points) for name in names])
    np.testing.assert_allclose(ours.intensities, known[list(COLUMNS_R)].astype(float))
    assert ours.confidence == known["confidence"]
    assert "3 faces lie elsewhere" in first.reason
    assert "elsewhere" in third.reason or third.reason is None
    assert none.reason == "FaceLandmarkImg found no face"


def test_pictures_that_openface_cannot_read_are_decoded_for_it(root, tool, run):
    """WebP, TIFF, 16 bits, CMYK, transparency, EXIF: the program gets a decoded PNG."""
    rng = np.random.default_rng(0)
    pixels = [rng.integers(0, 256, (24, 16, 3), np.uint8) for _ in range(8)]
    pictures = [Image.fromarray(values) for values in pixels]
    pictures[0].save(root / "a.webp", lossless=True)
    pictures[1].save(root / "b.tiff")
    pictures[2].convert("CMYK").save(root / "c.jpg")
    pictures[3].convert("RGBA").save(root / "d.png")
    cv2.imwrite(str(root / "e.png"), pixels[4].astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112] = 6
    pictures[5].save(root / "f.jpg", exif=exif)
    pictures[6].quantize().save(root / "g.gif")
    pictures[7].save(root / "h.bmp")
    names = sorted(path.name for path in root.iterdir())
    seen = root.parent / "seen.png"
    for k, name in enumerate(names):
        write_png(seen, read_image(root / name))
        tool.order(seen, au=k / 2)
    assert answers(run([face_of(name) for name in names])) == [k / 2 for k in range(8)]


def test_plain_pictures_are_passed_on_byte_for_byte_under_safe_names(root, tool, run):
    pixels = np.random.default_rng(0).integers(0, 256, (24, 16, 3), np.uint8)
    names = ["a b.jpg", "-f.JPEG", "ünïcode/\N{SNOWMAN}.png", "many.dots.png", "quo'te.jpg"]
    for k, name in enumerate(names):
        path = root / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels + k).save(path)
        tool.order(path, au=k)
    assert answers(run([face_of(name) for name in names])) == [0, 1, 2, 3, 4]


def test_pictures_that_cannot_be_read_or_have_changed_fail_alone(root, tool, photographs, run):
    names = photographs(3)
    for name in names:
        tool.order(root / name)
    (root / names[1]).write_bytes(b"no picture")
    changed = face_of(names[2], sha256="0" * 64)
    found = answers(run([face_of(names[0]), face_of(names[1]), changed, face_of("gone.png")]))
    assert found[0] == 1.5
    assert found[1] == "is no image that is read, but text"
    assert found[2].startswith("changed since it was selected")
    assert found[3].startswith("cannot be opened")
    assert run([]) == []


def test_the_crop_instead_of_the_photograph(root, tool, config, run):
    pixels = np.random.default_rng(0).integers(0, 256, (24, 16, 3), np.uint8)
    face = face_of("a.png", sequence="1")
    face.align["matrix"] = [1, 0, 900, 0, 1, 900]
    crop = config().workspace / "align" / face.align["crop"]
    crop.parent.mkdir(parents=True)
    write_png(crop, pixels)
    tool.order(crop, au=4)
    (result,) = run([face], input="crop")
    assert (answers([result]), result.variant) == ([4], "static")


def sequence(root, tool, photographs, folder, count=6):
    names = photographs(count, folder + "/{:03d}.png")
    for k, name in enumerate(names):
        tool.order(root / name, au=k / 2)
    return names


def frames_of(names, which):
    return [face_of(names[k], subject="P001", sequence="Anger") for k in which]


def test_whole_sequences_are_judged_at_once(root, tool, photographs, run):
    one = sequence(root, tool, photographs, "P001/Anger")
    other = sequence(root, tool, photographs, "P001/Fear", 9)
    (alone,) = photographs(1, "still{:03d}.png")
    tool.order(root / alone, au=5)
    faces = frames_of(one, [5, 0])
    faces += [face_of(other[k], subject="P001", sequence="Fear") for k in (8, 7)]
    faces.insert(2, face_of(alone))
    results = run(faces)
    assert answers(results) == [2.5, 0, 5, 4, 3.5]
    assert [r.variant for r in results] == ["dynamic", "dynamic", "static", "dynamic", "dynamic"]
    assert sorted(tool.calls()) == ["FaceLandmarkImg 1", "FeatureExtraction 2"]


def test_frames_of_sequences_may_be_judged_alone(root, tool, photographs, run):
    names = sequence(root, tool, photographs, "P001/Anger")
    results = run(frames_of(names, [5, 0]), sequences="static")
    assert answers(results) == [2.5, 0]
    assert {r.variant for r in results} == {"static"}
    assert tool.calls() == ["FaceLandmarkImg 2"]


def test_frames_are_numbered_in_the_order_of_their_numbers(root, tool, photographs, run):
    """The program sorts by name, so 10 would come before 2."""
    names = photographs(12, "P001/Anger/{}.png")
    for k, name in enumerate(names):
        tool.order(root / name, au=k / 4)
    assert answers(run(frames_of(names, [2, 10, 11]))) == [0.5, 2.5, 2.75]


def test_a_sequence_that_the_program_dies_of_fails_alone(root, tool, photographs, run):
    good = sequence(root, tool, photographs, "P001/Anger")
    bad = sequence(root, tool, photographs, "P002/Anger")
    last = sequence(root, tool, photographs, "P003/Anger")
    tool.order(root / bad[3], "crash")
    faces = frames_of(good, [5])
    faces += [face_of(bad[k], subject="P002", sequence="Anger") for k in (0, 5)]
    faces += [face_of(last[5], subject="P003", sequence="Anger")]
    crash = "FeatureExtraction was killed by SIGSEGV, saying nothing"
    assert answers(run(faces)) == [2.5, crash, crash, 2.5]


def test_a_sequence_with_too_few_rows_is_not_shifted(root, tool, photographs, run):
    names = sequence(root, tool, photographs, "P001/Anger")
    del tool.orders["pictures"][hashlib.sha256((root / names[5]).read_bytes()).hexdigest()]
    tool.save()
    reason = "FeatureExtraction wrote a CSV that has 5 rows but the sequence has 6 frames"
    assert answers(run(frames_of(names, [0, 4]))) == [reason, reason]


def test_an_unreadable_frame_is_left_out_of_its_sequence_and_said(root, tool, photographs, run):
    names = sequence(root, tool, photographs, "P001/Anger")
    (root / names[1]).write_bytes(b"no picture")
    results = run(frames_of(names, [0, 1, 5]))
    assert answers(results) == [0, "is no image that is read, but text", 2.5]
    assert results[2].variant == "dynamic, 1 of 6 frames unreadable"


def test_a_full_folder_is_run_before_more_is_copied(root, tool, photographs, run, monkeypatch):
    from faceprep.faces.action_units.openface.programs import pictures as program_pictures

    monkeypatch.setattr(program_pictures, "_BATCH_BYTES", 250)
    names = photographs(5)
    for k, name in enumerate(names):
        tool.order(root / name, au=k)
    assert answers(run([face_of(name) for name in names])) == [0, 1, 2, 3, 4]
    assert len(tool.calls()) > 1


def test_clipped_values_show(root, tool, photographs, run):
    (name,) = photographs(1)
    tool.order(root / name, text=csv_text([cells(AU12_r="5.31")], STILL_COLUMNS))
    (result,) = run([face_of(name)])
    assert (result.variant, result.intensities.max()) == ("static, clipped", 5)


def test_a_command_line_that_names_the_folder(root, tool, photographs, run, tmp_path):
    names = photographs(2)
    for name in names:
        tool.order(root / name)
    line = f"env FOLDER={{folder}} {tool.folder}/{{tool}}"
    assert answers(run([face_of(name) for name in names], openface_bin=line)) == [1.5, 1.5]
    assert all(
        str(tmp_path / "scratch") in word for word in tool.last()["arguments"] if "/" in word
    )


def test_what_is_missing_is_said_before_the_run(config, tool, monkeypatch):
    available = ProgramBackend().available
    monkeypatch.setenv("PATH", "/nowhere")
    assert (
        available(config(openface_bin=None))
        == "no FaceLandmarkImg on the PATH; set aus.openface_bin"
    )
    assert "there is no /x" in available(config(openface_bin="/x"))
    assert "may not hold -out_dir" in available(config(openface_flags="-out_dir /x"))
    assert "cannot be split" in available(config(openface_flags="'"))
    (tool.folder / "FeatureExtraction").unlink()
    reason = available(config())
    assert reason.startswith("there is no FeatureExtraction beside")
    assert reason.endswith("--set aus.sequences=static does without")
    assert available(config(sequences="static")) is None
    assert available(config(input="crop")) is None


def test_auto_takes_it_first(config, tool):
    choice = backends.choose(config(backend="auto"))
    assert choice.label("static") == "openface+static"
    assert choice.why == "the best that is installed"


def test_the_fingerprint_holds_all_that_changes_the_answers(config, tool, tmp_path):
    fingerprint = ProgramBackend().fingerprint
    first = fingerprint(config())
    assert json.loads(json.dumps(first)) == first
    moved = shutil.copytree(tool.folder, tmp_path / "moved")
    assert fingerprint(config(openface_bin=str(moved), openface_timeout=5)) == first
    others = [
        config(openface_flags="-wild"),
        config(sequences="static"),
        config(input="crop"),
        config(openface_bin=f"sh {tool.folder}/{{tool}}"),
    ]
    seen = {json.dumps(fingerprint(other)) for other in others}
    assert json.dumps(first) not in seen
    assert len(seen) == 4


def test_our_face_among_several(root, tool, photographs, run):
    (name,) = photographs(1)
    rows = [cells(k, face_at(100 + 150 * k, 100), face=k) for k in range(3)]
    tool.order(root / name, text=csv_text(rows))
    assert answers(run([face_of(name, face_at(395, 104))])) == [2]


def test_a_real_build_on_photographs(shared, tmp_path):
    """FACEPREP_TEST_OPENFACE_BIN names a build, FACEPREP_TEST_OPENFACE_FLAGS its flags."""
    build = os.environ.get("FACEPREP_TEST_OPENFACE_BIN")
    if not build:
        pytest.skip("no build of OpenFace (set FACEPREP_TEST_OPENFACE_BIN)")
    options = {
        "backend": "openface",
        "openface_bin": build,
        "openface_flags": os.environ.get("FACEPREP_TEST_OPENFACE_FLAGS", ""),
    }
    known = pd.read_csv(shared / "reference" / "openface_photos.csv").set_index("image")
    select = {"dataset": "folder", "root": shared / "faces" / "images"}
    config = Config.model_validate({"select": select, "aus": options})
    names = list(known.index[::150])
    faces = []
    for name in names:
        row = known.loc[name]
        points = np.array([[row[f"x_{k}"], row[f"y_{k}"]] for k in range(68)])
        faces.append(face_of(name, points))
    results = ProgramBackend().run(faces, config, tmp_path)
    assert [result.reason for result in results] == [None] * len(names)
    found = np.array([result.intensities for result in results])
    assert np.abs(found - known.loc[names, list(COLUMNS_R)]).to_numpy().mean() < 0.05
