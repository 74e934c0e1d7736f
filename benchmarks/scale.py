"""What a run costs from 1K to 50K faces, and what 202 599 and 10 million would; run by hand.

    python benchmarks/scale.py                                    the stand-in stage, to 50 000
    python benchmarks/scale.py 1000 10000 --stages align heatmaps aus
    python benchmarks/scale.py 1000 10000 50000 --shard-size 10 --cost 0     5 000 shards
    python benchmarks/scale.py --folder DIR                       keeps its datasets for next time

The dataset has CelebA's shape: demo photographs under new names (hard links), with lists that name
them all. Each stage and size is measured in a process of its own, started by this one, so that
peak memory is its own. `stand-in` is a stage of known cost: it sleeps so many milliseconds a face
and writes a small file.

*Overhead* is what a command takes beyond the work of its stages: wall time less the seconds inside
`Stage.process`, divided by the workers. It holds planning, reading and writing of parts, checks,
commits and the start of workers; not the start of Python. Shared cores make wall time noisy, so
the processor time of the same, all processes together, stands beside it. *Again* is the same
command with nothing to do.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from faceprep.config import Config
from faceprep.core.progress import Progress
from faceprep.execution.plan import Options
from faceprep.execution.runner import run_stage
from faceprep.execution.shard import versions
from faceprep.execution.stage import Stage, image_name
from faceprep.stages import load_stage

SUBJECTS, FRAMES = 40, 4
TARGETS = (202_599, 10_000_000)
PNG = bytes(1500)  # as large as a drawn heatmap, about


class StandIn(Stage):
    """A stage that takes so long a face, whatever the machine does."""

    name = "heatmaps"
    upstream = ("select",)

    def __init__(self, milliseconds: float) -> None:
        self.milliseconds = milliseconds

    def process(self, inputs, todo, config, out):
        """Write a file a face, and sleep."""
        rows = []
        for k in todo:
            name = image_name(inputs["select"][k]["face_id"])
            (out.images / name).write_bytes(PNG)
            row = {"face_id": inputs["select"][k]["face_id"], "status": "ok"}
            rows.append(row | {"heatmap": out.relative(name), "channels": 1, "sigma": 2.0})
            out.advance()
        time.sleep(self.milliseconds / 1000 * len(todo))
        return rows


class Timed(Stage):
    """A stage that notes how long its own work took."""

    def __init__(self, stage: Stage, notes: Path) -> None:
        self.stage, self.notes = stage, notes
        self.name, self.upstream, self.version = stage.name, stage.upstream, stage.version

    def settings(self, config):
        """As the stage's."""
        return self.stage.settings(config)

    def check(self, config):
        """As the stage's."""
        self.stage.check(config)

    def process(self, inputs, todo, config, out):
        """Do the stage's work between two looks at the clock."""
        started, processor = time.perf_counter(), time.process_time()
        rows = self.stage.process(inputs, todo, config, out)
        took = time.perf_counter() - started, time.process_time() - processor
        with self.notes.open("a") as notes:
            notes.write(f"{took[0]} {took[1]}\n")
        return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", type=int, nargs="*", default=[1000, 2000, 5000, 10000, 50000])
    parser.add_argument("--stages", nargs="*", default=["stand-in"])
    parser.add_argument("--cost", type=float, default=2.0, help="of stand-in, milliseconds a face")
    parser.add_argument("--shard-size", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--engine", default="local")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary one if not set")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(Path(arguments.one[0]), arguments.one[1], arguments)))
        return
    if arguments.folder:
        report(arguments.folder, arguments)
    else:
        with tempfile.TemporaryDirectory(prefix="faceprep-scale-") as folder:
            report(Path(folder), arguments)


def report(folder: Path, arguments: argparse.Namespace) -> None:
    results: dict[str, list[dict]] = {}
    print(
        "| stage | images | shards | images/s | overhead a shard, ms | % of wall"
        " | processor, ms | again, s | peak MB: command, worker | bytes an image | files an image"
        " | entries of the largest folder |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for images in arguments.images:
        place = folder / str(images)
        for workspace in ("ws", "stand-in"):
            shutil.rmtree(place / workspace, ignore_errors=True)
        grow(folder / "demo", place / "data", images)
        for stage in ["select", *arguments.stages]:
            found = child(place, stage, arguments)
            results.setdefault(stage, []).append(found)
            print(line(stage, found), flush=True)
        for workspace in ("ws", "stand-in"):
            shutil.rmtree(place / workspace, ignore_errors=True)
    print()
    for target in TARGETS:
        for stage, found in results.items():
            print(predict(stage, found, target, arguments.workers))


def child(place: Path, stage: str, arguments: argparse.Namespace) -> dict:
    flags = ["--shard-size", arguments.shard_size, "--cost", arguments.cost]
    flags += ["--workers", arguments.workers, "--engine", arguments.engine, "--one", place, stage]
    command = [sys.executable, __file__, *map(str, flags)]
    first, again = (json.loads(subprocess.check_output(command)) for _ in range(2))
    assert first["made"] == first["shards"], (stage, first)
    assert again["made"] == 0, (stage, again)
    return {**first, "again": again["seconds"], "again_megabytes": again["megabytes"]}


def measure(place: Path, stage: str, arguments: argparse.Namespace) -> dict:
    """Run one stage; seconds without the imports."""
    config = Config.model_validate(
        {
            "workspace": place / ("stand-in" if stage == "stand-in" else "ws"),
            "shard_size": arguments.shard_size,
            "workers": arguments.workers,
            "engine": arguments.engine,
            "select": {"dataset": "celeba", "root": place / "data"},
        }
    )
    quiet, notes = Progress(quiet=True), place / "notes"
    notes.unlink(missing_ok=True)
    if stage == "stand-in" and not config.workspace.exists():
        (place / "stand-in").mkdir()
        (place / "stand-in" / "select").symlink_to(place / "ws" / "select")
    import cv2  # noqa: F401 - once a command, whatever its size
    import psutil  # noqa: F401

    versions()
    started, processor = time.perf_counter(), processor_seconds()
    if stage == "select":
        from faceprep.stages.select.run import run_select

        result = run_select(config, Options(), quiet)
    else:
        chosen = StandIn(arguments.cost) if stage == "stand-in" else load_stage(stage)
        result = run_stage(Timed(chosen, notes), config, Options(), quiet)
        assert not result.failed, result.failed
    seconds, processor = time.perf_counter() - started, processor_seconds() - processor
    noted = notes.read_text().splitlines() if notes.exists() else []
    work, work_processor = (sum(float(note.split()[k]) for note in noted) for k in range(2))
    at_once = min(arguments.workers, max(len(noted), 1))
    files = [path for path in (config.workspace / result.stage).rglob("*") if path.is_file()]
    return {
        "images": result.rows,
        "shards": result.shards,
        "made": len(result.todo),
        "seconds": seconds,
        "overhead": seconds - work / at_once if stage != "select" else None,
        "overhead_processor": processor - work_processor,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "worker_megabytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        "bytes": sum(path.stat().st_size for path in files),
        "files": len(files),
        "largest_folder": max(len(list(os.scandir(p))) for p in {f.parent for f in files}),
    }


def line(stage: str, found: dict) -> str:
    images, shards, seconds = found["images"], found["shards"], found["seconds"]
    overhead = "| | | "
    if found["overhead"] is not None:
        beyond, processor = found["overhead"], found["overhead_processor"]
        share = 100 * beyond / seconds
        overhead = (
            f"| {beyond / shards * 1000:.0f} | {share:.1f} | {processor / shards * 1000:.0f} "
        )
    memory = f"{found['megabytes']:.0f}, {found['worker_megabytes']:.0f}"
    return (
        f"| {stage} | {images:,} | {shards} | {images / seconds:,.0f} {overhead}"
        f"| {found['again']:.2f} | {memory} | {found['bytes'] / images:,.0f}"
        f" | {found['files'] / images:.3f} | {found['largest_folder']:,} |"
    )


def processor_seconds() -> float:
    """Of this process and its ended workers."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def predict(stage: str, found: list[dict], images: int, workers: int) -> str:
    """Continue the straight line through the smallest and the largest size measured."""

    def at(key: str) -> float:
        first, last = found[0], found[-1]
        if first is last:
            return last[key] * images / last["images"]
        slope = (last[key] - first[key]) / (last["images"] - first["images"])
        return last[key] + slope * (images - last["images"])

    hours = at("seconds") / 3600
    return (
        f"{images:>10,} images, {stage}: {hours:.1f} h with {workers} workers,"
        f" again {at('again') / 60:.1f} min, command {at('megabytes') / 1024:.1f} GB,"
        f" {at('bytes') / 2**30:.1f} GB in {at('files'):,.0f} files"
    )


def grow(demo: Path, data: Path, images: int) -> None:
    """Make CelebA's lists and photographs out of the demo's, everyone a new person each time."""
    if data.exists():
        return
    if not demo.exists():
        people = ["--subjects", str(SUBJECTS), "--frames", str(FRAMES)]
        command = [sys.executable, "-m", "faceprep", "demo", str(demo), "--layout", "celeba"]
        subprocess.run([*command, *people, "-q"], check=True, stdout=subprocess.DEVNULL)
    photographs = sorted((demo / "img_celeba").iterdir())
    (data / "img_celeba").mkdir(parents=True)
    for k in range(images):
        os.link(photographs[k % len(photographs)], data / "img_celeba" / f"{k + 1:06d}.jpg")
    for path in demo.glob("*.txt"):
        text = path.read_text().splitlines()
        head = [line for line in text if not line.split()[0].endswith(".jpg")]
        rows = [line.split(maxsplit=1)[1] for line in text[len(head) :]]
        identity = path.name.startswith("identity")
        with (data / path.name).open("w") as stream:
            stream.writelines(f"{images if line.isdecimal() else line}\n" for line in head)
            for k in range(images):
                round_, which = divmod(k, len(rows))
                value = int(rows[which]) + round_ * SUBJECTS if identity else rows[which]
                stream.write(f"{k + 1:06d}.jpg {value}\n")


if __name__ == "__main__":
    main()
