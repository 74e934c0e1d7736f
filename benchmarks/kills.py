"""Kill `faceprep align` at random times, resume, and compare with an undisturbed run.

    python benchmarks/kills.py --root ~/photos --kills 20

Half of the kills (SIGKILL) hit the command, half hit one of its workers. A killed command is
restarted immediately. The script reports the shards lost per kill, finished shards that were
changed again, and whether manifests and images are identical at the end.
"""

import argparse
import hashlib
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil


def command(arguments: argparse.Namespace, workspace: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "faceprep", "align", "--dataset", "folder"),
        *("--root", str(arguments.root), "--workspace", str(workspace), "-j", "2", "-q"),
        *("--limit", str(arguments.limit), "--set", f"shard_size={arguments.shard_size}"),
        *("--set", f"align.detector={arguments.detector}"),
    ]


def digest(workspace: Path) -> dict[str, str]:
    """Return the hash of each file; markers without seconds and host."""
    found = {}
    for path in sorted(workspace.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            if path.name.startswith("part-") and path.suffix == ".json":
                marker = json.loads(content)
                kept = {k: v for k, v in marker.items() if k not in ("seconds", "host")}
                content = json.dumps(kept, sort_keys=True).encode()
            found[str(path.relative_to(workspace))] = hashlib.sha256(content).hexdigest()
    return found


def run(arguments: argparse.Namespace, workspace: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command(arguments, workspace), stdout=subprocess.DEVNULL)


def markers(workspace: Path) -> dict[str, int]:
    return {p.name: p.stat().st_mtime_ns for p in (workspace / "align").glob("part-*.json")}


def workers_of(process: psutil.Process) -> list[psutil.Process]:
    def is_worker(child: psutil.Process) -> bool:
        return any("popen_loky" in word for word in child.cmdline())

    found = []
    for child in process.children(recursive=True):
        try:
            if is_worker(child):
                found.append(child)
        except psutil.Error:
            continue
    return found


def abandoned(workspace: Path) -> int:
    """Count the unfinished shards of dead processes."""
    folders = (workspace / "align").glob("part-*.tmp")
    return sum(not psutil.pid_exists(int(f.name.split("-")[-1].split(".")[0])) for f in folders)


def disturb(arguments: argparse.Namespace, workspace: Path, rng: random.Random) -> list[dict]:
    """Run the command from the start to the end, with kills in between."""
    events: list[dict] = []
    while True:
        process = run(arguments, workspace)
        time.sleep(rng.uniform(0.2, arguments.seconds))
        if process.poll() is not None:
            return events
        target = "worker" if rng.random() < 0.5 else "command"
        before = markers(workspace)
        if target == "command":
            orphans = workers_of(psutil.Process(process.pid))
            process.kill()
            process.wait()
            lost = 0
            if rng.random() < 0.5:  # sometimes immediately, sometimes after the workers have ended
                psutil.wait_procs(orphans, timeout=120)
                lost = abandoned(workspace)
        else:
            victims = workers_of(psutil.Process(process.pid))
            if not victims:
                process.kill()
                process.wait()
                continue
            victim = rng.choice(victims)
            victim.kill()
            victim.wait(10)
            lost = len(list((workspace / "align").glob(f"part-*-{victim.pid}.tmp")))
            process.wait()
        touched = sum(markers(workspace).get(name) != stamp for name, stamp in before.items())
        events.append({"target": target, "lost": lost, "touched": touched, "done": len(before)})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--limit", type=int, default=400)
    parser.add_argument("--shard-size", type=int, default=20)
    parser.add_argument("--detector", default="mtcnn")
    parser.add_argument("--seconds", type=float, default=8.0, help="latest time of a kill, seconds")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    folder = Path(tempfile.mkdtemp(prefix="faceprep-kills-"))
    try:
        run(arguments, folder / "undisturbed").wait()
        reference = digest(folder / "undisturbed")
        events: list[dict] = []
        while len(events) < arguments.kills:
            workspace = folder / f"round-{len(events)}"
            events += disturb(arguments, workspace, rng)
            code = run(arguments, workspace).wait()
            found = digest(workspace)
            names = {name for name, _ in found.items() ^ reference.items()}
            print(f"after {len(events)} kills: exit code {code}, {len(names)} files differ")
            if names:
                raise SystemExit("\n".join(sorted(names)))
        for event in events:
            print(event)
        print(f"most shards lost by one kill: {max(event['lost'] for event in events)}")
        print(f"finished shards touched again: {sum(event['touched'] for event in events)}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
