"""Test all ways in which a program can end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from builders.openface_stand_in import is_alive

from faceprep.faces.action_units.openface.programs.process import run_program


@pytest.fixture
def run(tmp_path):
    def go(script, seconds=20.0, patience=20.0, names=None):
        command = ["sh", "-c", script]
        return run_program(
            command, output=tmp_path, seconds=seconds, patience=patience, names=names or {}
        )

    return go


def gone(pid, seconds=3.0):
    """Return whether a process ends in time."""
    until = time.monotonic() + seconds
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return not is_alive(pid)


def test_a_good_end(run):
    ended = run("echo hello")
    assert (ended.fault, ended.message) == (None, "hello")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 3", "ended with status 3, saying nothing"),
        ("echo one; echo; echo ' two '; exit 1", "ended with status 1: two"),
        ("echo out; echo err >&2; exit 1", "ended with status 1: err"),
        ("kill -SEGV $$", "was killed by SIGSEGV, saying nothing"),
        ("kill -ABRT $$", "was killed by SIGABRT, saying nothing"),
        (
            "echo 'terminate called after throwing X' >&2; echo '  what():  too long' >&2; exit 1",
            "ended with status 1: terminate called after throwing X, what(): too long",
        ),
        (
            "echo cannot connect >&2; echo \"See 'docker run --help'.\" >&2; exit 125",
            "ended with status 125: cannot connect",
        ),
        (
            "echo bad >&2; echo '[ WARN:0@0.320] global x.cpp' >&2; exit 1",
            "ended with status 1: bad",
        ),
        ("echo '[ERROR:0@12.034] no' >&2; exit 1", "ended with status 1: [ERROR] no"),
        ("printf 'a\\rb\\001\\377c'; exit 1", "ended with status 1: b �c"),
    ],
)
def test_bad_ends_are_told_in_the_programs_last_words(run, script, reason):
    assert run(script).reason == reason


def test_long_words_are_trimmed_and_names_replaced(run, tmp_path):
    ended = run("echo /scratch/000003.jpg is bad; exit 1", names={"/scratch/000003.jpg": "a.jpg"})
    assert ended.message == "a.jpg is bad"
    assert len(run("head -c 9000 /dev/zero | tr '\\0' x; exit 1").message) == 200


def test_a_program_that_hangs_is_ended_with_all_that_it_started(run, tmp_path):
    started = time.monotonic()
    ended = run(
        f"sleep 300 & echo $! > {tmp_path}/child; echo loading; wait", seconds=60, patience=0.5
    )
    assert time.monotonic() - started < 10
    assert ended.reason == "gave no sign of life for 0.5 s (aus.openface_timeout): loading"
    assert gone(int((tmp_path / "child").read_text()))


def test_a_program_that_will_not_end_is_killed(run):
    started = time.monotonic()
    ended = run("trap '' TERM; while :; do sleep 0.1; done", patience=0.3)
    assert "no sign of life" in ended.fault
    assert time.monotonic() - started < 10


def test_files_and_words_are_signs_of_life_until_the_time_is_up(run, tmp_path):
    files = f"for k in 1 2 3 4 5 6; do touch {tmp_path}/$k; sleep 0.3; done"
    assert run(files, patience=1.0).fault is None
    words = "for k in 1 2 3 4 5 6; do echo $k; sleep 0.3; done"
    assert run(words, patience=1.0).fault is None
    assert run("while :; do echo x; sleep 0.05; done", seconds=1.5).fault == (
        "took more than 1.5 s (aus.openface_timeout)"
    )


def test_a_flood_of_words_neither_stops_the_program_nor_fills_the_memory(run):
    ended = run("head -c 50000000 /dev/zero | tr '\\0' '\\n'; echo end; exit 2")
    assert ended.reason == "ended with status 2: end"


def test_what_cannot_be_started_says_why(tmp_path):
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF garbage")
    broken.chmod(0o755)
    for command, why in ((broken, "Exec format error"), (tmp_path / "x", "No such file")):
        ended = run_program([str(command)], output=tmp_path, seconds=9, patience=9, names={})
        assert f"cannot be started: {why}" in ended.reason


def test_one_thread_and_no_input(run):
    assert run("echo $OMP_NUM_THREADS $OPENBLAS_NUM_THREADS").message == "1 1"
    assert run("cat; echo end").message == "end"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="PR_SET_PDEATHSIG is Linux's")
def test_it_dies_with_the_worker_that_started_it(tmp_path):
    code = (
        "import signal, sys; from pathlib import Path;"
        "from faceprep.faces.action_units.openface.programs.process import run_program;"
        # Background jobs of a shell ignore SIGINT.
        "signal.signal(signal.SIGINT, signal.default_int_handler);"
        "out = Path(sys.argv[1]);"
        "run_program(['sh', '-c', f'echo $$ > {out}/pid; exec sleep 300'], output=out, seconds=300,"
        " patience=300, names={})"
    )
    worker = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    note = tmp_path / "pid"
    until = time.monotonic() + 30
    while not (note.exists() and note.read_text().strip()) and time.monotonic() < until:
        time.sleep(0.02)
    pid = int(note.read_text())
    time.sleep(0.2)
    assert is_alive(pid)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert gone(pid)


def test_an_interrupt_ends_the_program(run, tmp_path):
    code = (
        "import signal, sys; from pathlib import Path;"
        "from faceprep.faces.action_units.openface.programs.process import run_program;"
        # Background jobs of a shell ignore SIGINT.
        "signal.signal(signal.SIGINT, signal.default_int_handler);"
        "out = Path(sys.argv[1]);"
        "run_program(['sh', '-c', f'echo $$ > {out}/pid; sleep 300'], output=out, seconds=300,"
        " patience=300, names={})"
    )
    command = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stderr=subprocess.DEVNULL
    )
    note = tmp_path / "pid"
    until = time.monotonic() + 30
    while not (note.exists() and note.read_text().strip()) and time.monotonic() < until:
        time.sleep(0.02)
    os.kill(command.pid, signal.SIGINT)
    command.wait(10)
    assert gone(int(Path(note).read_text()))
