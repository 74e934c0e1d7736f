"""Stop a command by a signal while it works."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import psutil

#: Runs the command also where nohup or a shell's ``&`` started the tests, with signals ignored.
_DEFAULT_SIGNALS = """
import runpy, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv[0] = "faceprep"
runpy.run_module("faceprep", run_name="__main__", alter_sys=True)
"""


def stop(
    words: Sequence[object], working: Callable[[], bool], number: signal.Signals, group: bool
) -> tuple[int, str]:
    """Send a signal to a command, or to its whole group, when it works.

    Returns
    -------
    Exit code and stderr; every process that it had started has ended.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", _DEFAULT_SIGNALS, *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    while not working() and process.poll() is None:
        time.sleep(0.01)
    children = psutil.Process(process.pid).children(recursive=True)
    (os.killpg if group else os.kill)(process.pid, number)
    _, said = process.communicate(timeout=120)
    _, left = psutil.wait_procs(children, timeout=60)
    assert not left, (left, said)
    return process.returncode, said
