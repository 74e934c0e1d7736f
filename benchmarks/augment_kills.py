"""Kill `faceprep augment` at random times, resume, and compare with an undisturbed run.

    python benchmarks/augment_kills.py --workspace manifests/demo --kills 20

Two of three kills (SIGKILL) hit the command, which is restarted immediately, the third hits one of
its workers. The script reports whether manifests and images are identical at the end, and the
number of images at each kill.
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


def copy_workspace(arguments: argparse.Namespace, workspace: Path) -> Path:
    """Create a workspace with the same faces and generator, without synthetic faces."""
    workspace.mkdir()
    for name in ("select", "align", "train"):
        (workspace / name).symlink_to((arguments.workspace / name).resolve())
    return workspace


def pictures(workspace: Path) -> int:
    """Count the images, finished or not."""
    return sum(1 for _ in (workspace / "augment").rglob("*.png"))


def wait_for_work(process: subprocess.Popen[bytes], workspace: Path) -> None:
    """Wait until work on a shard has started."""
    while process.poll() is None and not list((workspace / "augment").glob("*/*.tmp")):
        time.sleep(0.02)


def disturb(arguments: argparse.Namespace, workspace: Path, rng: random.Random) -> list[dict]:
    """Start and kill the command until it ends or has been killed four times."""
    events: list[dict] = []
    for _ in range(4):
        process = run(arguments, workspace)
        wait_for_work(process, workspace)
        time.sleep(rng.uniform(0, arguments.seconds))
        if process.poll() is not None:
            break
        target = "worker" if rng.random() < 1 / 3 else "command"
        victims = workers_of(psutil.Process(process.pid)) if target == "worker" else []
        there = pictures(workspace)
        if target == "worker" and victims:
            rng.choice(victims).kill()
            process.wait()
        else:
            target = "command"
            process.kill()
            process.wait()
        events.append({"killed": target, "pictures": there})
    return events


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--workspace", type=Path, required=True, help="workspace with a trained generator"
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--n", type=int, default=1500)
    parser.add_argument("--shard-size", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=4.0, help="latest time of a kill, seconds")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    folder = Path(tempfile.mkdtemp(prefix="faceprep-augment-kills-"))
    try:
        undisturbed = copy_workspace(arguments, folder / "undisturbed")
        run(arguments, undisturbed).wait()
        reference = digest(undisturbed / "augment")
        events: list[dict] = []
        while len(events) < arguments.kills:
            workspace = copy_workspace(arguments, folder / f"round-{len(events)}")
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
