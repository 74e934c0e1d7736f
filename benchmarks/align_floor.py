"""Compare `align` with given landmarks and the minimum of work; results in README.md.

    python benchmarks/align_floor.py                     the shared photographs, once and four times
    python benchmarks/align_floor.py --photos DIR --copies 1 10 --repeats 5

The floor, with the same number of processes, consists of three OpenCV calls per photograph: imread,
warpAffine with a known matrix, imwrite. It computes no checksums, writes no table and does not
check files. Three commands are measured alternately, each from start to end including the start of
the interpreter:

* floor
* faceprep align, landmarks5 and landmarks68 given
* faceprep align, landmarks5 given, so that the 68 points must be found

The landmarks are from a run of `align` with MTCNN. A second line gives the floor without the start
of its processes.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:  # the floor imports only what it needs
    import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("SHARED_FACES", ROOT.parent / "shared")) / "faces" / "images"
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, default=SHARED)
    parser.add_argument("--copies", type=int, nargs="*", default=[1, 4])
    parser.add_argument("--limit", type=int, help="use the first photographs only")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--shard-size", type=int, help="faceprep's own when not given")
    parser.add_argument("-j", "--jobs", type=int, default=2)
    parser.add_argument("--floor", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.floor:
        floor(arguments.floor, arguments.jobs)
        return
    print("| photographs | what | images/s | of the floor | of the floor without its start |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        faces = annotated(arguments.photos, arguments.limit, Path(folder) / "first", arguments.jobs)
        for copies in arguments.copies:
            measure(faces, copies, Path(folder) / f"times{copies}", arguments)


def annotated(photos: Path, limit: int | None, workspace: Path, jobs: int) -> "pd.DataFrame":
    """Return photographs with a face by MTCNN: file, 5 and 68 points in the source, matrix."""
    import pandas as pd

    from faceprep.faces.alignment import apply_affine, invert_affine

    limited = ["--limit", str(limit)] if limit else []
    faceprep("align", "--root", photos, "--workspace", workspace, "-j", jobs, *limited)
    keys = ["face_id", "path"]
    select = pd.concat(pd.read_parquet(p) for p in sorted(workspace.glob("select/*.parquet")))
    align = pd.concat(pd.read_parquet(p) for p in sorted(workspace.glob("align/*.parquet")))
    table = align[align["status"] == "ok"].merge(select[keys], on="face_id")
    back = [invert_affine(m.reshape(2, 3)) for m in table["matrix"]]
    points = [p.reshape(68, 2) for p in table["landmarks68"]]
    source = [apply_affine(m, p).ravel() for m, p in zip(back, points, strict=True)]
    return pd.DataFrame(
        {
            "file": [photos / path for path in table["path"]],
            "landmarks5": table["landmarks5"],
            "landmarks68": source,
            "matrix": table["matrix"],
        }
    )


def measure(
    faces: "pd.DataFrame", copies: int, folder: Path, arguments: argparse.Namespace
) -> None:
    import pandas as pd

    photos = folder / "photos"
    photos.mkdir(parents=True)
    table = pd.concat([faces] * copies, ignore_index=True)
    table["image"] = [f"{k:06d}_{file.name}" for k, file in enumerate(table["file"])]
    for file, name in zip(table["file"], table["image"], strict=True):
        shutil.copyfile(file, photos / name)
    table["subject"] = table["image"]
    np.savez(
        folder / "floor.npz",
        files=[str(photos / name) for name in table["image"]],
        matrices=np.stack(table["matrix"].to_list()),
    )
    known = {"both": ["landmarks5", "landmarks68"], "five": ["landmarks5"]}
    for name, columns in known.items():
        table[["image", "subject", *columns]].to_parquet(folder / f"{name}.parquet")
        select(folder, name, arguments.shard_size)
    seconds: dict[str, list[float]] = {name: [] for name in ("floor", "bare", "both", "five")}
    for _ in range(arguments.repeats):
        whole, bare = run_floor(folder, arguments.jobs)
        seconds["floor"].append(whole)
        seconds["bare"].append(bare)
        for name in known:
            seconds[name].append(run_align(folder, name, arguments.jobs))
    rate = {name: len(table) / statistics.median(times) for name, times in seconds.items()}
    labels = {
        "floor": "floor",
        "bare": "floor, without its start",
        "both": "align, 5 and 68 points given",
        "five": "align, 5 points given",
    }
    for name, label in labels.items():
        shares = f"{rate[name] / rate['floor']:.2f} | {rate[name] / rate['bare']:.2f}"
        print(f"| {len(table)} | {label} | {rate[name]:.0f} | {shares} |", flush=True)


def select(folder: Path, name: str, shard_size: int | None) -> None:
    sizes = ["--set", f"shard_size={shard_size}"] if shard_size else []
    faceprep("select", *dataset(folder, name), *sizes)


def dataset(folder: Path, name: str) -> list[object]:
    table = ["--set", f"select.table={folder / name}.parquet", "--set", "select.unlabelled=true"]
    return ["--root", folder / "photos", "--workspace", folder / name, *table]


def run_align(folder: Path, name: str, jobs: int) -> float:
    """Return the seconds of the command in a workspace with only select done."""
    started = time.perf_counter()
    options = ["--set", "align.detector=given", "--only", "-j", jobs]
    faceprep("align", *dataset(folder, name), *options)
    seconds = time.perf_counter() - started
    markers = (folder / name / "align").glob("part-*.json")
    status = [json.loads(marker.read_text())["status"] for marker in markers]
    failed = sum(count for s in status for key, count in s.items() if key != "ok")
    if failed:
        print(f"{failed} rows of {name} are not ok", file=sys.stderr)
    shutil.rmtree(folder / name / "align")
    return seconds


def run_floor(folder: Path, jobs: int) -> tuple[float, float]:
    """Return the seconds of the command, and of the slowest process without its start."""
    command = [sys.executable, __file__, "--floor", folder, "-j", str(jobs)]
    started = time.perf_counter()
    done = subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    shutil.rmtree(folder / "floor")
    return seconds, max(float(line) for line in done.stdout.split())


def floor(folder: Path, jobs: int) -> None:
    (folder / "floor").mkdir()
    work = np.load(folder / "floor.npz")
    files, matrices = work["files"].tolist(), work["matrices"].reshape(-1, 2, 3)
    sys.stdout.flush()
    children = []
    for job in range(jobs):
        child = os.fork()
        if child == 0:
            cv2.setNumThreads(1)
            started = time.perf_counter()
            for file, matrix in zip(files[job::jobs], matrices[job::jobs], strict=True):
                crop = cv2.warpAffine(cv2.imread(file), matrix, (128, 128))
                cv2.imwrite(f"{folder}/floor/{Path(file).stem}.png", crop)
            os.write(
                1, f"{time.perf_counter() - started}\n".encode()
            )  # one write, not mixed with others
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def faceprep(verb: str, *options: object) -> None:
    command = [sys.executable, "-m", "faceprep", verb, "--dataset", "folder", "-q"]
    done = subprocess.run(
        [*command, *map(str, options)],
        env=ENVIRONMENT | {"PYTHONPATH": str(ROOT)},
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode not in (0, 3):  # 3: some photographs have no face
        raise SystemExit(f"faceprep {verb} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
