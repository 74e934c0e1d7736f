"""Compare the speed of `faceprep align -j 2` and of the package `mtcnn` in two processes.

    python -m venv /tmp/peer
    /tmp/peer/bin/pip install mtcnn tensorflow-cpu opencv-python-headless
    python benchmarks/mtcnn_speed.py --peer-python /tmp/peer/bin/python [--rounds 3] [--limit N]

Each round measures in succession the package image by image, the package in batches of 8, and the
whole command. The package is timed after loading and warm-up, and only reads photographs and
detects faces. The command is timed from start to end, including its start-up, the selection, 68
landmarks, alignment and PNG files. Each process uses one thread.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

PEER = Path(__file__).with_name("mtcnn_peer.py")
BATCH = 8
ONE_THREAD = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "",
}


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--peer-python", required=True, help="Python with mtcnn and tensorflow")
    arguments.add_argument("--shared", type=Path, default=Path("../shared"))
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--limit", type=int, help="number of photographs")
    options = arguments.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        photos = copy_photographs(options.shared, Path(folder) / "photos", options.limit)
        print(f"{len(photos)} photographs, two processes of one thread; images/s")
        rates: dict[str, list[float]] = {}
        for _ in range(options.rounds):
            for name, seconds in (
                ("mtcnn one by one", peer(options.peer_python, photos, 1)),
                (f"mtcnn batches of {BATCH}", peer(options.peer_python, photos, BATCH)),
                ("faceprep align -j 2", ours(Path(folder))),
            ):
                rates.setdefault(name, []).append(len(photos) / seconds)
    return report(rates)


def copy_photographs(shared: Path, target: Path, limit: int | None) -> list[Path]:
    """Copy the photographs to folders by expression, as the `folder` reader expects them."""
    labels = pd.read_csv(shared / "faces/labels.csv")
    if limit:
        labels = labels.iloc[:: max(len(labels) // limit, 1)][:limit]
    photos = []
    for image, expression in zip(labels.image, labels.expression, strict=True):
        (target / expression).mkdir(parents=True, exist_ok=True)
        photos.append(target / expression / image)
        shutil.copyfile(shared / "faces/images" / image, photos[-1])
    return photos


def peer(python: str, photos: list[Path], batch: int) -> float:
    """Return the seconds until both processes have detected the faces in their halves."""
    processes = []
    for half in (photos[::2], photos[1::2]):
        process = subprocess.Popen(
            [python, str(PEER), str(batch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=ONE_THREAD,
        )
        process.stdin.write("\n".join(map(str, half)) + "\n\n")
        process.stdin.flush()
        processes.append(process)
    for process in processes:
        if process.stdout.readline().strip() != "ready":
            raise SystemExit(f"{python} {PEER} does not run: is mtcnn installed there?")
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate()[0].split() for process in processes]
    return max(float(seconds) for seconds, _ in answers)


def ours(folder: Path) -> float:
    """Return the seconds of the whole command."""
    workspace = folder / "workspace"
    shutil.rmtree(workspace, ignore_errors=True)
    command = [sys.executable, "-m", "faceprep", "align", "--dataset", "folder", "-j", "2", "-q"]
    command += ["--root", str(folder / "photos"), "--workspace", str(workspace)]
    start = time.perf_counter()
    done = subprocess.run(command, env=ONE_THREAD, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode not in (0, 3):  # 3: some photographs have no face
        raise SystemExit(done.stderr)
    rows = pd.concat(pd.read_parquet(path) for path in workspace.glob("align/part-*.parquet"))
    print("  ours:", rows.status.value_counts().to_dict(), f"{seconds:.2f} s")
    return seconds


def report(rates: dict[str, list[float]]) -> int:
    """Print the table; return 1 below the targets: 5 times image by image, 2 times batched."""
    median = {name: statistics.median(values) for name, values in rates.items()}
    own = list(median)[-1]
    for name, values in rates.items():
        rounds = " ".join(f"{value:.1f}" for value in values)
        ratio = median[own] / median[name]
        print(f"{name:<22}{median[name]:>8.1f}   ours is {ratio:.2f} times that   ({rounds})")
    one, batched, _ = median.values()
    return 0 if median[own] >= 5 * one and median[own] >= 2 * batched else 1


if __name__ == "__main__":
    sys.exit(main())
