"""Check that the accuracy gate passes without changes and fails after sabotage; run by hand.

    python benchmarks/gate.py                   five runs, two numbers of threads, four sabotages
    python benchmarks/gate.py --runs 0 --threads --honest manifests/gate

Each run is the complete `make gate` in a separate folder: rendered people, a trained generator,
synthetic faces, the table, and `faceprep check` against the committed baseline. The sabotages
simulate failures without errors, each in a copy of the last run:

labels      the labels of all training faces are wrong
deaf        the generator returns its source for any expression
swapped     the generator shows the next expression instead of the requested one
collapsed   the generator returns the same face for all requests
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from faceprep.core.images import read_image, write_png
from faceprep.generators.store import load_trained, save_generator
from faceprep.workspace.load import load

ROOT = Path(__file__).resolve().parents[1]
BASELINE = ROOT / "manifests" / "baselines" / "gate.json"
SYNTHETIC = 560

#: Change of the workspace of an unmodified run, and the command after which it is made.
Sabotage = tuple[str, Callable[[Path], None]]


def faceprep(verb: str, workspace: Path, threads: int | None, *words: str) -> int:
    own = [] if verb == "check" else ["--quiet"]
    command = [sys.executable, "-m", "faceprep", verb, "-c", str(ROOT / "pipelines" / "gate.toml")]
    environment = dict(os.environ)
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
        own += [] if verb == "check" else ["-j", str(threads)]
    done = subprocess.run(
        [*command, "--workspace", str(workspace), *own, *words],
        cwd=ROOT, env=environment, check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode not in (0, 3, 4):
        raise SystemExit(f"{verb}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.returncode


def gate(workspace: Path, threads: int | None, sabotage: Sabotage | None = None) -> int:
    """Run the gate; return the exit code of its last command.

    A sabotaged run starts with a copy of an unmodified run and repeats the stages after the
    sabotage.
    """
    steps = {
        "run": ("--until", "align"),
        "train": ("--only", "--overwrite"),
        "augment": ("--n", str(SYNTHETIC), "--overwrite"),
        "classify": ("--only", "--overwrite"),
    }
    verbs = list(steps)
    if sabotage is not None:
        sabotage[1](workspace)
        verbs = verbs[verbs.index(sabotage[0]) + 1 :]
    for verb in verbs:
        faceprep(verb, workspace, threads, *steps[verb])
    return faceprep("check", workspace, threads, "--baseline", str(BASELINE))


def labels(workspace: Path) -> None:
    """Replace each training face by the image of the person's next expression."""
    rows = load(workspace)
    names = sorted(rows["expression"].dropna().unique())
    for _, person in rows[rows["split"] != "test"].groupby("subject"):
        shown = {name: list(person["crop"][person["expression"] == name]) for name in names}
        pictures = {name: [read_image(Path(path)) for path in shown[name]] for name in names}
        for name, other in zip(names, [*names[1:], names[0]], strict=True):
            for k, path in enumerate(shown[name]):
                write_png(Path(path), pictures[other][k % len(pictures[other])])


def deaf(workspace: Path) -> None:
    """Set all weights to 0, so that the generator returns the source."""
    generator, file = load_trained(workspace)
    for tensor in generator.state_dict().values():
        tensor.zero_()
    config = {**file.config, "preset": file.preset}
    progress, extra = file.progress, file.extra
    save_generator(file.path, file.kind, generator, config, progress=progress, extra=extra)


def swapped(workspace: Path) -> None:
    """Replace each synthetic face by the next one, which shows the next expression."""
    _repaint(workspace, lambda pictures: np.roll(pictures, -1, axis=0))


def collapsed(workspace: Path) -> None:
    """Replace each synthetic face by the first one."""
    _repaint(workspace, lambda pictures: np.repeat(pictures[:1], len(pictures), axis=0))


def _repaint(workspace: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    paths = sorted((workspace / "augment").rglob("*.png"))
    changed = change(np.stack([read_image(path) for path in paths]))
    for path, picture in zip(paths, changed, strict=True):
        write_png(path, picture)


SABOTAGES: dict[str, Sabotage] = {
    "labels": ("run", labels),
    "deaf": ("train", deaf),
    "swapped": ("augment", swapped),
    "collapsed": ("augment", collapsed),
}


def accuracies(workspace: Path) -> str:
    rows = json.loads((workspace / "classify" / "accuracy.json").read_text())["rows"]
    return ", ".join(f"{100 * row['accuracy']['value']:.4f}" for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 3])
    parser.add_argument("--honest", type=Path, help="workspace of an existing run, to sabotage")
    parser.add_argument("--only", nargs="*", default=list(SABOTAGES), choices=list(SABOTAGES))
    arguments = parser.parse_args()
    print(f"| | exit code | accuracy with 0, {SYNTHETIC} synthetic faces, % | seconds |")
    print("|---|---|---|---|")
    runs = [*((f"run {k + 1}", None) for k in range(arguments.runs))]
    runs += [(f"{threads} threads", threads) for threads in arguments.threads]
    with tempfile.TemporaryDirectory(prefix="faceprep-gate-") as folder:
        honest, copy = Path(folder) / "honest", Path(folder) / "sabotaged"
        for name, threads in runs:
            shutil.rmtree(honest, ignore_errors=True)
            report(name, honest, threads)
        for name in arguments.only:
            kept = shutil.ignore_patterns("classify")  # faces that were read
            shutil.copytree(arguments.honest or honest, copy, ignore=kept)
            report(name, copy, None, SABOTAGES[name])
            shutil.rmtree(copy)


def report(
    name: str, workspace: Path, threads: int | None, sabotage: Sabotage | None = None
) -> None:
    started = time.monotonic()
    code = gate(workspace, threads, sabotage)
    seconds = time.monotonic() - started
    print(f"| {name} | {code} | {accuracies(workspace)} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
