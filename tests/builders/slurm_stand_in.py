"""A stand-in for Slurm's commands: jobs run here, one task after another.

`install` puts sbatch, squeue, scontrol and sacct into a folder for ``PATH``. Files in the
folder of its state say what is to go wrong:

    hold        jobs stay pending
    die         how many more tasks die before they begin
    silent      squeue does not answer, or with these words
    refuse      sbatch refuses, with these words
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

COMMANDS = ("sbatch", "squeue", "scontrol", "sacct")


def install(folder: Path) -> Path:
    """Make the commands; return the folder of their state."""
    commands, state = folder / "bin", folder / "state"
    commands.mkdir(parents=True)
    state.mkdir()
    for name in COMMANDS:
        path = commands / name
        words = f'"{sys.executable}" -S -E "{Path(__file__).resolve()}" "{state}" {name} "$@"'
        path.write_text(f"#!/bin/sh\nexec {words}\n")
        path.chmod(0o755)
    return state


def sbatch(state: Path, words: list[str]) -> None:
    if (state / "refuse").exists():
        raise SystemExit((state / "refuse").read_text())
    script = Path(words[0])
    flags = dict(re.findall(r"^#SBATCH --([\w-]+)=?(.*)$", script.read_text(), re.MULTILINE))
    last = re.match(r"0-(\d+)", flags.get("array", "0-0"))
    number = len(list(state.glob("*.job"))) + 1
    kept = state / f"{number}.sh"  # Slurm keeps the script, wherever it lay
    kept.write_text(script.read_text())
    job = {
        "name": flags["job-name"],
        "array": "array" in flags,
        "output": flags["output"],
        "script": str(kept.resolve()),
        "tasks": ["PENDING"] * (int(last[1]) + 1 if last else 1),
    }
    (state / f"{number}.job").write_text(json.dumps(job))
    if not (state / "hold").exists():
        _begin(state, str(number))
    print(f"Submitted batch job {number}")


def release(state: Path) -> None:
    """Begin the jobs that stayed pending because of ``hold``."""
    (state / "hold").unlink()
    for path in state.glob("*.job"):
        _begin(state, path.stem)


def _begin(state: Path, number: str) -> None:
    subprocess.Popen(
        [sys.executable, "-S", "-E", __file__, str(state), "work", number],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def work(state: Path, words: list[str]) -> None:
    path = state / f"{words[0]}.job"
    job = json.loads(path.read_text())
    time.sleep(0.2)  # until sbatch and its caller have noted the number

    def set_to(task: int, word: str) -> None:
        job["tasks"][task] = word
        aside = path.with_suffix(".new")
        aside.write_text(json.dumps(job))
        aside.replace(path)

    for task in range(len(job["tasks"])):
        die = state / "die"
        left = int(die.read_text()) if die.exists() else 0
        if left:
            die.write_text(str(left - 1))
            set_to(task, "OUT_OF_MEMORY")
            continue
        set_to(task, "RUNNING")
        variables = {"SLURM_JOB_ID": words[0], "SLURM_ARRAY_TASK_ID": str(task)}
        with open(job["output"].replace("%a", str(task)), "a") as log:  # noqa: PTH123
            done = subprocess.run(
                ["bash", job["script"]],
                env={**os.environ, **variables},
                stdout=log,
                stderr=log,
                check=False,
            )
        set_to(task, "FAILED" if done.returncode else "COMPLETED")


def squeue(state: Path, words: list[str]) -> None:
    if (state / "silent").exists():
        raise SystemExit((state / "silent").read_text() or "Unable to contact slurm controller")
    for path in sorted(state.glob("*.job")):
        job = json.loads(path.read_text())
        for task, word in enumerate(job["tasks"]):
            index = task if job["array"] else "N/A"
            print(f"{path.stem}|{index}|{word}|{job['name']}|Resources")


def scontrol(state: Path, words: list[str]) -> None:
    print("MaxArraySize            = 2" if words == ["show", "config"] else "")


def sacct(state: Path, words: list[str]) -> None:
    raise SystemExit("Slurm accounting storage is disabled")


if __name__ == "__main__":
    globals()[sys.argv[2]](Path(sys.argv[1]), sys.argv[3:])
