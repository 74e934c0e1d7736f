import shutil

import pytest
from builders.openface_stand_in import StandIn

from faceprep.core.errors import MissingToolError
from faceprep.faces.action_units.openface.programs.program import SEQUENCES, STILLS, find_program


@pytest.fixture
def build(tmp_path):
    return StandIn(tmp_path / "OpenFace" / "build" / "bin").folder


def test_a_folder_or_what_lies_above_it(build):
    for place in (build, build.parent, build.parent.parent):
        program = find_program(str(place))
        assert program.files == {STILLS: build / STILLS, SEQUENCES: build / SEQUENCES}
        assert program.missing(STILLS) is None
        assert program.command(STILLS, build, ["-f", "a"]) == [str(build / STILLS), "-f", "a"]


def test_one_of_the_programs_stands_for_both(build):
    for tool in (STILLS, SEQUENCES):
        assert set(find_program(str(build / tool)).files) == {STILLS, SEQUENCES}
    (build / SEQUENCES).unlink()
    assert "there is no FeatureExtraction beside" in find_program(str(build)).missing(SEQUENCES)


def test_the_path_when_nothing_is_set(build, monkeypatch):
    monkeypatch.setenv("PATH", str(build))
    for setting in (None, "", " "):
        assert find_program(setting).files[STILLS] == build / STILLS
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MissingToolError, match="no FaceLandmarkImg on the PATH; set"):
        find_program(None)


def test_models_lie_beside_the_real_file_not_beside_a_link(build, tmp_path):
    links = tmp_path / "links"
    links.mkdir()
    for tool in (STILLS, SEQUENCES):
        (links / tool).symlink_to(build / tool)
    assert find_program(str(links)).files[STILLS] == build / STILLS


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (
            "sh -v {folder}:{folder} img {tool}",
            ["sh", "-v", "/s:/s", "img", STILLS, "-f", "a"],
        ),
        ("sh 'a b' bin/{tool}", ["sh", "a b", f"bin/{STILLS}", "-f", "a"]),
        ("env LC_ALL=C", ["env", "LC_ALL=C", STILLS, "-f", "a"]),
    ],
)
def test_a_command_line(tmp_path, setting, expected):
    program = find_program(setting)
    folder = type(tmp_path)("/s")
    assert program.command(STILLS, folder, ["-f", "a"]) == expected
    assert program.missing(STILLS) is None
    assert program.fingerprint([STILLS])["command"].startswith(setting.split()[0])


def test_a_script_of_the_users_own_gets_the_tools_name(build, tmp_path):
    script = tmp_path / "my openface.sh"
    shutil.copy(build / STILLS, script)
    assert find_program(str(script)).command(STILLS, build, []) == [str(script), STILLS]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("/nowhere", "there is no /nowhere"),
        ("'", "is no command line"),
        ("{tmp}", "no FaceLandmarkImg in"),
        ("{tmp}/plain.txt", "may not be run"),
    ],
)
def test_what_is_not_there_is_named(tmp_path, setting, message):
    (tmp_path / "plain.txt").touch()
    with pytest.raises(MissingToolError, match=message):
        find_program(setting.replace("{tmp}", str(tmp_path)))


def test_what_may_not_be_run_is_named(build):
    (build / STILLS).chmod(0o644)
    assert f"{build / STILLS} may not be run" in find_program(str(build)).missing(STILLS)
    assert "there is no program" in find_program("no-such-program {tool}").missing(STILLS)


def test_models_that_were_never_downloaded_are_named(build):
    """This is the most frequent problem of users of OpenFace."""
    program = find_program(str(build))
    assert program.incomplete(STILLS, []) is None  # they may be elsewhere
    experts = build / "model" / "patch_experts"
    experts.mkdir(parents=True)
    names = [f"patch_experts/cen_patches_{scale}_of.dat" for scale in ("0.25", "0.35")]
    lines = ["PDM pdms/pdm.txt", *(f"PatchesCEN {name}\r" for name in names)]
    (build / "model" / "cen_general.txt").write_text("\n".join(lines))
    (build / "model" / names[0]).touch()
    assert f"no cen_patches_*.dat in {experts}" in program.incomplete(STILLS, ["-wild"])
    assert program.incomplete(STILLS, ["-mloc", "model/main_clnf_general.txt"]) is None
    (build / "model" / names[1]).touch()
    assert program.incomplete(STILLS, []) is None


def test_the_fingerprint_tells_builds_and_models_apart(build, tmp_path):
    first = find_program(str(build)).fingerprint([STILLS, SEQUENCES])
    assert set(first) == {STILLS, SEQUENCES, "models"}
    assert first["models"] is None
    moved = shutil.copytree(build, tmp_path / "elsewhere")
    assert find_program(str(moved)).fingerprint([STILLS, SEQUENCES]) == first
    with (moved / STILLS).open("a") as stream:
        stream.write("# another build\n")
    assert find_program(str(moved)).fingerprint([STILLS])[STILLS] != first[STILLS]
    digests = {first["models"]}
    for name, text in (("one", "x"), ("two", "other")):
        folder = shutil.copytree(build, tmp_path / name)
        (folder / "model").mkdir()
        (folder / "model" / "main_clnf.txt").write_text(text)
        digests.add(find_program(str(folder)).fingerprint([STILLS])["models"])
    assert len(digests) == 3
