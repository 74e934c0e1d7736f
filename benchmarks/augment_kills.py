"""Kill `faceprep augment` at random moments, go on, and compare with an undisturbed run.

    python benchmarks/augment_kills.py --workspace manifests/demo --kills 20

Two of three kills (SIGKILL) hit the command, which starts again at once, the third one of its
workers. Reported: whether manifests and pictures are the same bytes in the end, and how many faces
were there at every kill.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from kills import digest, workers_of


def run(arguments: argparse.Namespace, workspace: Path) -> subprocess.Popen[bytes]:
    words = ["--n", str(arguments.n), "--mode", "mix", "--workspace", str(workspace), "-j", "2"]
    sets = ["--set", f"augment.shard_size={arguments.shard_size}", "--device", "cpu", "--quiet"]
    return subprocess.Popen(
        [sys.executable, "-m", "faceprep", "augment", *words, *sets], stdout=subprocess.DEVNULL
    )


def made_of(arguments: argparse.Namespace, workspace: Path) -> Path:
    """A workspace with the same faces and generator, and no synthetic faces."""
    workspace.mkdir()
    for name in ("select", "align", "train"):
        (workspace / name).symlink_to((arguments.workspace / name).resolve())
    return workspace


def pictures(workspace: Path) -> int:
    """Pictures at hand, finished or not."""
    return sum(1 for _ in (workspace / "augment").rglob("*.png"))


def wait_for_work(process: subprocess.Popen[bytes], workspace: Path) -> None:
    """Wait until shards are being made: killed before, a process has nothing to lose."""
    while process.poll() is None and not list((workspace / "augment").glob("*/*.tmp")):
        time.sleep(0.02)


def disturb(arguments: argparse.Namespace, workspace: Path, rng: random.Random) -> list[dict]:
    """Start and kill until the command ends by itself or has been killed four times."""
    events: list[dict] = []
    for _ in range(4):
        process = run(arguments, workspace)
        wait_for_work(process, workspace)
        time.sleep(rng.uniform(0, arguments.seconds))
        if process.poll() is not None:
            break
        whom = "worker" if rng.random() < 1 / 3 else "command"
        victims = workers_of(psutil.Process(process.pid)) if whom == "worker" else []
        there = pictures(workspace)
        if whom == "worker" and victims:
            rng.choice(victims).kill()
            process.wait()
        else:
            whom = "command"
            process.kill()
            process.wait()
        events.append({"killed": whom, "pictures": there})
    return events


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workspace", type=Path, required=True, help="with a trained generator")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--n", type=int, default=1500)
    parser.add_argument("--shard-size", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=4.0, help="latest moment of a kill")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    folder = Path(tempfile.mkdtemp(prefix="faceprep-augment-kills-"))
    try:
        whole = made_of(arguments, folder / "undisturbed")
        run(arguments, whole).wait()
        reference = digest(whole / "augment")
        events: list[dict] = []
        while len(events) < arguments.kills:
            workspace = made_of(arguments, folder / f"round-{len(events)}")
            events += disturb(arguments, workspace, rng)
            code = run(arguments, workspace).wait()
            found = digest(workspace / "augment")
            names = {name for name, _ in found.items() ^ reference.items()}
            print(f"after {len(events)} kills: exit code {code}, {len(names)} files differ")
            if names:
                raise SystemExit("\n".join(sorted(names)))
            shutil.rmtree(workspace)
        for event in events:
            print(event)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
