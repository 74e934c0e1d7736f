"""Measure time and memory of select on generated listings; results in README.md.

    python benchmarks/select_scale.py                       10 000 and 100 000 rows
    python benchmarks/select_scale.py 10000 100000 1000000  takes a few minutes and 5 GB of disk

Four kinds of datasets, each in a separate process to measure its peak memory:

* celeba   CelebA's lists (identity, partition, 40 attributes, landmarks); every image is a hard
           link to one of a few small files
* table    a CSV with subject and expression; images as above
* missing  a CSV as above; all images but one are missing
* tree     folders named after expressions, 1000 images in each; each image is a subject
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LINKS_PER_FILE = 30_000  # file systems allow about 65 000
PEOPLE_PER_IMAGE = 1 / 20
EXPRESSIONS = ("anger", "fear", "happiness", "neutral", "sadness", "surprise")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--shapes", nargs="*", default=["celeba", "table", "missing", "tree"])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--shard-size", type=int, default=1000)
    parser.add_argument("--folder", type=Path, help="where to generate; a temporary one if not set")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(Path(arguments.one), arguments.workers, arguments.shard_size)))
        return
    print("| shape | rows | first run, s | rows/s | again, s | rows/s | peak memory, MB |")
    print("|---|---|---|---|---|---|---|")
    for shape in arguments.shapes:
        for rows in arguments.rows:
            with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
                generate(Path(folder), shape, rows)
                print(line(shape, rows, Path(folder), arguments), flush=True)


def line(shape: str, rows: int, folder: Path, arguments: argparse.Namespace) -> str:
    """Measure a first run and a run with nothing to do."""
    how = ["--workers", str(arguments.workers), "--shard-size", str(arguments.shard_size)]
    command = [sys.executable, __file__, "--one", str(folder), *how]
    first, again = (json.loads(subprocess.check_output(command)) for _ in range(2))
    assert (first["rows"], first["made"]) == (rows, first["shards"]), first
    assert again["made"] == 0, again
    peak = max(first["megabytes"], again["megabytes"])
    speeds = [f"{t['seconds']:.1f} | {rows / t['seconds']:,.0f}" for t in (first, again)]
    return f"| {shape} | {rows:,} | {' | '.join(speeds)} | {peak:.0f} |"


def measure(folder: Path, workers: int, shard_size: int) -> dict[str, float]:
    """Run select on a generated dataset; return seconds without imports."""
    from faceprep.config import Config
    from faceprep.core.progress import Progress
    from faceprep.execution.plan import Options
    from faceprep.stages.select.run import run_select

    dataset = (folder / "dataset").read_text()
    settings = {"dataset": dataset, "root": folder / "data", "max_missing": 1}
    options = {"workers": workers, "shard_size": shard_size, "select": settings}
    config = Config.model_validate({"workspace": folder / "out", **options})
    started = time.perf_counter()
    result = run_select(config, Options(), Progress(quiet=True))
    return {
        "rows": result.rows,
        "shards": result.shards,
        "made": len(result.todo),
        "seconds": time.perf_counter() - started,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def generate(folder: Path, shape: str, rows: int) -> None:
    data = folder / "data"
    images = data / ("img_align_celeba" if shape == "celeba" else "images")
    images.mkdir(parents=True)
    for k in range(rows // 1000 + 1 if shape == "tree" else 0):
        (images / f"{k:04d}" / EXPRESSIONS[k % 6]).mkdir(parents=True)
    (folder / "dataset").write_text("celeba" if shape == "celeba" else "folder")
    for k in range(1, (1 if shape == "missing" else rows) + 1):
        part = f"{k // 1000:04d}/{EXPRESSIONS[k // 1000 % 6]}" if shape == "tree" else "."
        name = images / part / f"{k:06d}.jpg"
        if k % LINKS_PER_FILE == 1:
            source = name
            source.write_bytes(os.urandom(1000))
        else:
            os.link(source, name)
    people = max(1, round(rows * PEOPLE_PER_IMAGE))
    if shape == "celeba":
        celeba_lists(data, rows, people)
        return
    if shape == "tree":
        return
    with (data / "labels.csv").open("w") as table:
        table.write("image,subject,expression\n")
        for k in range(1, rows + 1):
            table.write(f"{k:06d}.jpg,person {k % people},{EXPRESSIONS[k % 6]}\n")


def celeba_lists(data: Path, rows: int, people: int) -> None:
    names = " ".join(f"Attribute_{k:02d}" for k in range(40))
    values = [" ".join("1" if (k >> j) & 1 else "-1" for j in range(40)) for k in range(64)]
    with (
        (data / "list_attr_celeba.txt").open("w") as attributes,
        (data / "list_eval_partition.txt").open("w") as partition,
        (data / "identity_CelebA.txt").open("w") as identity,
        (data / "list_landmarks_align_celeba.txt").open("w") as landmarks,
    ):
        attributes.write(f"{rows}\n{names}\n")
        landmarks.write(f"{rows}\nlefteye_x lefteye_y\n")
        for k in range(1, rows + 1):
            name, person = f"{k:06d}.jpg", k % people
            attributes.write(f"{name} {values[k % 64]}\n")
            partition.write(f"{name} {person % 3}\n")
            identity.write(f"{name} {person}\n")
            landmarks.write(f"{name} 69 109 106 113 77 142 73 152 108 154\n")


if __name__ == "__main__":
    main()
