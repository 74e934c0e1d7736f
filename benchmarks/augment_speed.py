"""Compare the speed of `faceprep augment` with that of only decoding and writing the images.

    python benchmarks/augment_speed.py --workspace manifests/demo --n 1024 --mode edit

Both run alternately in this process, on one thread, with the same batch size, after a warm-up
shard. The bare run has its sources and codes in memory. On a busy machine CPU time is more reliable
than wall time.
"""

import argparse
import cProfile
import pstats
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from faceprep.config import Config
from faceprep.core.images import read_image, write_png
from faceprep.core.progress import Progress
from faceprep.execution.plan import Options
from faceprep.generators.store import load_trained
from faceprep.stages.augment.run import run_augment
from faceprep.stages.augment.sampler import BLOCK
from faceprep.stages.augment.sources import find_sources
from faceprep.training.crops import resize


def config_of(arguments: argparse.Namespace, workspace: Path) -> Config:
    values = {"workspace": workspace, "workers": 1, "device": "cpu"}
    return Config.model_validate({**values, "augment": {"mode": arguments.mode}})


def bare(arguments: argparse.Namespace, folder: Path) -> Callable[[int], None]:
    """Return a function that decodes and writes images."""
    size = BLOCK["cpu"]
    generator, _ = load_trained(arguments.workspace)
    generator.to(memory_format=torch.channels_last)
    random = torch.Generator().manual_seed(0)
    y = torch.eye(len(generator.classes))[torch.arange(size) % len(generator.classes)]
    c = generator.controller(y, torch.rand(size, generator.elements, generator=random))
    g = torch.rand(size, generator.identity, generator=random) * 2 - 1
    x = None
    if arguments.mode == "edit":
        crops = find_sources(config_of(arguments, arguments.workspace), "edit").crops[:size]
        images = [torch.from_numpy(read_image(path))[None] for path in crops]
        x = torch.cat([resize(image, generator.size) for image in images]).float() / 127.5 - 1
        x = x.contiguous(memory_format=torch.channels_last)
    folder.mkdir()

    def run(count: int) -> None:
        with torch.inference_mode():
            for start in range(0, count, size):
                identity = g if x is None else generator.encode(x)
                made = (generator.decode(identity, c, x).clamp(-1, 1) + 1) * 127.5
                pixels = made.round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
                for number, image in enumerate(pixels):
                    write_png(folder / f"{start + number}.png", np.ascontiguousarray(image))

    return run


def seconds(run: Callable[[], object]) -> tuple[float, float]:
    """Return wall time and CPU time of this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--workspace", type=Path, required=True, help="workspace with a trained generator"
    )
    parser.add_argument("--n", type=int, default=1024)
    parser.add_argument("--mode", choices=["new", "edit"], default="edit")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="profile the last round of augment")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    folder = Path(tempfile.mkdtemp(prefix="faceprep-augment-"))
    try:
        workspace = folder / "ws"
        workspace.mkdir()
        for name in ("select", "align", "train"):
            (workspace / name).symlink_to((arguments.workspace / name).resolve())
        config = config_of(arguments, workspace)
        plain = bare(arguments, folder / "bare")
        plain(BLOCK["cpu"])
        there = config.augment.shard_size

        def augment() -> None:
            run_augment(config, there, Options(), Progress(quiet=True))

        augment()
        shares = []
        for number in range(arguments.rounds):
            profile = cProfile.Profile()
            first = seconds(lambda: plain(arguments.n))
            there += arguments.n
            if arguments.profile and number == arguments.rounds - 1:
                profile.enable()
            second = seconds(augment)
            profile.disable()
            rates = [arguments.n / value for value in (*first, *second)]
            shares.append((rates[2] / rates[0], rates[3] / rates[1]))
            print(
                f"round {number + 1}: bare {rates[0]:.1f} images/s ({rates[1]:.1f} a CPU second),"
                f" augment {rates[2]:.1f} ({rates[3]:.1f}):"
                f" {shares[-1][0]:.2f} of the bare rate ({shares[-1][1]:.2f} by CPU time)"
            )
        medians = [statistics.median(column) for column in zip(*shares, strict=True)]
        print(f"median: {medians[0]:.2f} of the bare rate, {medians[1]:.2f} by CPU time")
        if arguments.profile:
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
