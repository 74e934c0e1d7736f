"""Disturb a run on a one-node Slurm cluster, and compare it with an undisturbed local one.

    apt-get install -y slurm-wlm munge         (as root, here only)
    nice -n 10 python benchmarks/slurm.py --images 2000

`select → align → heatmaps → aus` run as arrays while one task is cancelled, one killed with
SIGKILL, and the node drained for a while; then a training has a limit of two minutes, so that
Slurm's notice queues it again until it is done. Reported: seconds, tasks, what died, and whether
the bytes are those of runs on this machine alone.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from kills import digest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from cluster import slurm_cluster  # noqa: E402

from faceprep.execution.slurm.job_record import read_records  # noqa: E402

STAGES = ("align", "heatmaps", "aus")
#: A small generator without face features: what is measured here is the queue.
TRAINING = {
    "train.preset": "tiny",
    "train.size": 32,
    "train.batch": 8,
    "train.checkpoint_every": 100,
    "train.networks.width": 4,
    "train.networks.path_width": 4,
    "train.recipe.augment": "false",
    **dict.fromkeys(
        (
            "train.weights.identity",
            "train.weights.embedding",
            "train.weights.embedding_edit",
            "train.weights.adversarial_projected",
            "train.weights.class_frozen",
            "train.weights.class_projected",
        ),
        0,
    ),
}


def sets(settings: dict[str, object]) -> list[str]:
    return [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]


def faceprep(environment: dict[str, str], *words: object) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "faceprep", *map(str, words)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


def ask(environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    return done.stdout.strip()


def tasks_of(place: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if "faceprep.cli.worker" in line and str(place) in line:
            found.append(process)
    return found


def disturb(
    environment: dict[str, str], process: "subprocess.Popen[bytes]", place: Path, seed: int
) -> list[str]:
    """Cancel a task, kill another, drain the node and resume it; say what was done."""
    rng = random.Random(seed)
    done: list[str] = []
    node = ask(environment, "sinfo", "--noheader", "--format=%n")
    while process.poll() is None and len(done) < 3:
        time.sleep(rng.uniform(5, 10))
        running = ask(environment, "squeue", "--noheader", "--states=R", "--format=%i").split()
        alive = tasks_of(place)
        if not (running and alive):
            continue
        if not done:
            ask(environment, "scancel", victim := rng.choice(running))
            done.append(f"scancel {victim}")
        elif len(done) == 1:
            rng.choice(alive).kill()
            done.append("kill -9")
        else:
            ask(environment, "scontrol", "update", f"nodename={node}", "state=drain", "reason=test")
            time.sleep(20)
            ask(environment, "scontrol", "update", f"nodename={node}", "state=resume")
            done.append("drain for 20 s")
    return done


def difference(place: Path, other: Path) -> int:
    mine, theirs = (
        {k: v for k, v in digest(folder).items() if "/slurm/" not in k} for folder in (place, other)
    )
    return len({name for name, _ in mine.items() ^ theirs.items()})


def stages(environment: dict[str, str], folder: Path, options: argparse.Namespace) -> None:
    root, local, place = options.root, folder / "local", folder / "cluster"
    if root is None:
        root = folder / "faces"
        people = ["--layout", "celeba", "--subjects", options.subjects]
        faceprep(environment, "demo", root, *people).wait()
    run = ["run", "--dataset", "celeba", "--root", root, "--limit", options.images, "-q"]
    run += sets({"shard_size": options.shard_size})
    began = time.monotonic()
    faceprep(environment, *run, "--workspace", local).wait()
    print(f"local: {time.monotonic() - began:.0f} s")
    slurm = {"poll_seconds": 2, "mem": "1G", "task_minutes": options.task_minutes}
    settings = sets({f"slurm.{key}": value for key, value in slurm.items()})
    command = [*run, "--workspace", place, "--engine", "slurm", *settings]
    began = time.monotonic()
    process = faceprep(environment, *command)
    done = disturb(environment, process, place, options.seed)
    code = process.wait()
    seconds = time.monotonic() - began
    for stage in STAGES:
        made = read_records(place, stage)
        counts = [len(array.tasks) for array in made]
        shards = len({shard for array in made for task in array.tasks for shard in task})
        print(f"{stage}: {shards} shards in arrays of {counts} tasks")
    largest = max(len(names) + len(files) for _, names, files in os.walk(place))
    print(f"slurm: {seconds:.0f} s, exit code {code}; {', '.join(done)}")
    print(f"files that differ: {difference(place, local)}; most entries in a folder: {largest}")


def training(environment: dict[str, str], folder: Path, options: argparse.Namespace) -> None:
    source, alone, place = folder / "people", folder / "alone", folder / "trained"
    drawn = sets({"demo.subjects": 12, "demo.frames": 4, "demo.size": 200})
    faceprep(environment, "run", "--until", "align", "-q", *drawn, "--workspace", source).wait()
    for copy in (alone, place):
        shutil.copytree(source, copy)
    people = ["--dataset", "oulu-casia", "--root", source / "dataset"]
    command = ["train", "--only", "-q", *people, *sets({**TRAINING, "train.steps": options.steps})]
    began = time.monotonic()
    faceprep(environment, *command, "-j", 1, "--workspace", alone).wait()
    print(f"training alone: {time.monotonic() - began:.0f} s")
    limit = {"gpus": 0, "cpus": 1, "mem": "2G", "time": 2, "signal_seconds": 60}
    slurm = {f"slurm.train.{key}": value for key, value in limit.items()}
    began = time.monotonic()
    words = ["--workspace", place, "--engine", "slurm", *sets({**slurm, "slurm.poll_seconds": 2})]
    code = faceprep(environment, *command, *words).wait()
    (array,) = read_records(place, "train")
    turns = array.log(0).read_text().count("stopped by SIGUSR1")
    files = [p / "train" / "exprgan" / "training.safetensors" for p in (alone, place)]
    same = files[0].read_bytes() == files[1].read_bytes()
    seconds = time.monotonic() - began
    print(f"training on Slurm: {seconds:.0f} s, exit code {code}, queued again {turns} times")
    print(f"checkpoint equal to the undisturbed one: {same}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--parts", nargs="*", default=["stages", "training"])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--subjects", type=int, default=250, help="people of the demo")
    parser.add_argument("--root", type=Path, help="such a demo, already drawn")
    parser.add_argument("--shard-size", type=int, default=50)
    parser.add_argument("--task-minutes", type=float, default=0.1)
    parser.add_argument("--steps", type=int, default=600, help="of the training")
    parser.add_argument("--cpus", type=int, default=2, help="that the node says it has")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    reason = slurm_cluster.missing()
    if reason:
        raise SystemExit(reason)
    folder = Path(tempfile.mkdtemp(prefix="faceprep-slurm-"))
    try:
        with slurm_cluster.cluster(folder / "slurm", cpus=options.cpus) as environment:
            if "stages" in options.parts:
                stages(environment, folder, options)
            if "training" in options.parts:
                training(environment, folder, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
