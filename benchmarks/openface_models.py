"""Compare the backend `openface-models` with the program of OpenFace: agreement and speed.

    python benchmarks/openface_models.py agreement --models DIR [--landmarks refined] [--half]
    python benchmarks/openface_models.py speed --models DIR [--openface BIN] [--rounds 3]

DIR is a copy of OpenFace's ``AU_predictors``, BIN the folder of its programs.

``agreement`` compares with the output of ``FaceLandmarkImg`` for the shared photographs. With the
landmarks ``openface`` (those of OpenFace, rounded to 0.1 pixel; the default), the exit code is 1
below the target. With ``align`` and ``refined`` the commands `align` and `aus` are run; ``--half``
uses only subjects that were not used for calibration.

``speed`` measures alternately, on the photographs in which ``FaceLandmarkImg`` finds a face: that
program in two processes, `align -j 2`, `aus -j 2` after it, and two processes that decode images
and estimate AUs from known landmarks. Commands are timed from start to end. CPU time varies less
than wall time if other programs are running.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from faceprep.core.images import read_image
from faceprep.core.vocabulary import COLUMNS_C, COLUMNS_R, INTENSITY_AUS, PRESENCE_AUS
from faceprep.faces.action_units.openface.models.au_models import load_models
from faceprep.faces.action_units.openface.models.descriptor import describe, predict_stills

SHARED = Path(os.environ.get("SHARED_FACES", "../shared"))
MIN_R, MAX_ERROR, MIN_EQUAL, MIN_RATIO = 0.998, 0.015, 0.99, 3.0
BATCH = 32
PEER = "FaceLandmarkImg, two processes"
STAGE = "faceprep aus -j 2"

Seconds = tuple[float, float]
"""Of the clock, of the processors."""

ONE_THREAD = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    agreement = verbs.add_parser("agreement")
    agreement.add_argument(
        "--landmarks", choices=("openface", "align", "refined"), default="openface"
    )
    agreement.add_argument("--half", action="store_true", help="unseen subjects only")
    speed = verbs.add_parser("speed")
    speed.add_argument("--openface", type=Path, help="folder of FaceLandmarkImg")
    speed.add_argument("--landmarks", choices=("align", "refined"), default="refined")
    speed.add_argument("--rounds", type=int, default=3)
    for verb in (agreement, speed):
        verb.add_argument("--models", type=Path, required=True)
        verb.add_argument("--limit", type=int, help="number of photographs")
    options = parser.parse_args()
    options.models = options.models.resolve()
    table = pd.read_csv(SHARED / "reference/openface_photos.csv")
    table = table.merge(pd.read_csv(SHARED / "faces/labels.csv"), on="image")
    if options.verb == "agreement" and options.half:
        table = table[[zlib.crc32(subject.encode()) % 2 == 1 for subject in table.subject]]
    if options.limit:
        table = table.iloc[:: max(len(table) // options.limit, 1)][: options.limit]
    return agree(table, options) if options.verb == "agreement" else race(table, options)


def agree(table: pd.DataFrame, options: argparse.Namespace) -> int:
    if options.landmarks == "openface":
        found = pd.DataFrame(
            np.column_stack(estimate_aus(options.models, list(table.image), landmarks(table))[:2]),
            columns=[*COLUMNS_R, *COLUMNS_C],
            index=table.image,
        )
    else:
        with tempfile.TemporaryDirectory() as folder:
            copy_photographs(table, Path(folder) / "photos")
            align(Path(folder))
            aus(Path(folder), options.models, options.landmarks)
            found = read_aus(Path(folder))
    both = table[table.image.isin(found.index)].set_index("image")
    found = found.loc[both.index]
    print(f"{len(both)} of {len(table)} photographs, landmarks: {options.landmarks}\n")
    r, error, equal = print_agreement(both, found)
    if options.landmarks != "openface":
        return 0
    return 0 if r >= MIN_R and error <= MAX_ERROR and equal >= MIN_EQUAL else 1


def print_agreement(truth: pd.DataFrame, found: pd.DataFrame) -> tuple[float, float, float]:
    """Print each AU in Markdown; return mean r, mean absolute error, share of equal presences."""
    print("| AU | r | MAE | AU_c equal |\n|---|---|---|---|")
    rows = []
    for au in PRESENCE_AUS:
        same = (truth[f"{au}_c"] == found[f"{au}_c"].astype(float)).mean()
        values = [np.nan, np.nan, same]
        if au in INTENSITY_AUS:
            one, other = (frame[f"{au}_r"].astype(float) for frame in (truth, found))
            values[:2] = one.corr(other), (one - other).abs().mean()
        rows.append(values)
        texts = ["–" if np.isnan(v) else f"{v:.4f}" for v in values[:2]]
        print(f"| {au[2:]} | {texts[0]} | {texts[1]} | {same:.1%} |")
    r, error, equal = np.nanmean(rows, axis=0)
    print(f"| mean | **{r:.4f}** | **{error:.4f}** | **{equal:.2%}** |")
    return float(r), float(error), float(equal)


def race(table: pd.DataFrame, options: argparse.Namespace) -> int:
    os.environ.update(ONE_THREAD)
    took: dict[str, list[Seconds]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_photographs(table, folder / "photos")
        halves = [table.iloc[half::2] for half in (0, 1)]
        for half, rows in enumerate(halves):
            (folder / f"half{half}").mkdir()
            for image in rows.image:
                shutil.copyfile(SHARED / "faces/images" / image, folder / f"half{half}" / image)
        for _ in range(options.rounds):
            if options.openface:
                took.setdefault(PEER, []).append(program(options.openface, folder))
            one, two = align(folder), aus(folder, options.models, options.landmarks)
            took.setdefault("faceprep align -j 2", []).append(one)
            took.setdefault(STAGE, []).append(two)
            took.setdefault("both commands", []).append((one[0] + two[0], one[1] + two[1]))
            took.setdefault("decode, describe, judge", []).append(workers(options.models, halves))
    return print_rates(took, len(table), options)


def print_rates(took: dict[str, list[Seconds]], count: int, options: argparse.Namespace) -> int:
    """Print medians in Markdown; return 1 if the command `aus` is below the target."""
    print(f"{count} photographs, {options.rounds} rounds, aus.landmarks = {options.landmarks}\n")
    print("| | images/s | × | images per second of CPU | × | rounds, images/s |")
    print("|---|---|---|---|---|---|")
    rates = {what: count / np.array(values) for what, values in took.items()}
    median = {what: np.median(values, axis=0) for what, values in rates.items()}
    theirs = median.get(PEER, np.full(2, np.nan))
    for what, values in rates.items():
        cells = zip(median[what], median[what] / theirs, strict=True)
        text = " | ".join(f"{rate:.1f} | {ratio:.2f}" for rate, ratio in cells)
        print(f"| {what} | {text} | {' '.join(f'{rate:.1f}' for rate in values[:, 0])} |")
    return 1 if median[STAGE][0] < MIN_RATIO * theirs[0] else 0


def landmarks(table: pd.DataFrame) -> np.ndarray:
    axes = [table[[f"{axis}_{k}" for k in range(68)]].to_numpy(float) for axis in "xy"]
    return np.stack(axes, axis=-1)


def estimate_aus(
    folder: Path, images: list[str], points: np.ndarray
) -> tuple[np.ndarray, np.ndarray, Seconds]:
    """Return intensities, presences, and the seconds without loading the models."""
    models = load_models(folder)
    describe([np.zeros((112, 112, 3), np.uint8)], points[:1], models)
    start, cpu = time.perf_counter(), time.process_time()
    estimates = []
    for place in range(0, len(images), BATCH):
        some = slice(place, place + BATCH)
        pictures = (read_image(SHARED / "faces/images" / name) for name in images[some])
        estimates.append(predict_stills(describe(pictures, points[some], models), models))
    intensities, presences = (np.concatenate(parts) for parts in zip(*estimates, strict=True))
    return intensities, presences, (time.perf_counter() - start, time.process_time() - cpu)


def workers(models: Path, halves: list[pd.DataFrame]) -> Seconds:
    """Return seconds of the slower of two processes and CPU seconds of both, without loading."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        jobs = [
            pool.submit(estimate_aus, models, list(half.image), landmarks(half)) for half in halves
        ]
        took = np.array([job.result()[2] for job in jobs])
    return float(took[:, 0].max()), float(took[:, 1].sum())


def program(binaries: Path, folder: Path) -> Seconds:
    """Run two processes of FaceLandmarkImg with the landmark model of the reference."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    clock = Clock()
    processes = []
    for half in ("half0", "half1"):
        line = [str(binaries.resolve() / "FaceLandmarkImg"), "-2Dfp", "-aus"]
        line += ["-mloc", "model/main_clnf_general.txt"]
        line += ["-fdir", str(folder / half), "-out_dir", str(folder / "out" / half)]
        nowhere = subprocess.DEVNULL
        processes.append(
            subprocess.Popen(line, cwd=binaries, env=ONE_THREAD, stdout=nowhere, stderr=nowhere)
        )
    for process in processes:
        if process.wait():
            raise SystemExit(f"FaceLandmarkImg ended with {process.returncode}")
    return clock.seconds()


def copy_photographs(table: pd.DataFrame, target: Path) -> None:
    """Copy the photographs to folders by expression, as the `folder` reader expects them."""
    for image, expression in zip(table.image, table.expression, strict=True):
        (target / expression).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SHARED / "faces/images" / image, target / expression / image)


def align(folder: Path) -> Seconds:
    """Run the command in a new workspace."""
    shutil.rmtree(folder / "workspace", ignore_errors=True)
    return command(folder, "align")


def aus(folder: Path, models: Path, source: str) -> Seconds:
    """Run the command after `align`."""
    settings = ("backend=openface-models", f"openface_models={models}", f"landmarks={source}")
    return command(folder, "aus", *(word for s in settings for word in ("--set", f"aus.{s}")))


def command(folder: Path, stage: str, *words: str) -> Seconds:
    line = [sys.executable, "-m", "faceprep", stage, "-j", "2", "-q", *words]
    line += ["--dataset", "folder", "--root", str(folder / "photos")]
    line += ["--workspace", str(folder / "workspace")]
    clock = Clock()
    done = subprocess.run(line, env=ONE_THREAD, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3):  # 3: some photographs have no face
        raise SystemExit(done.stderr)
    return clock.seconds()


class Clock:
    """Measure wall time and CPU time of child processes."""

    def __init__(self) -> None:
        self._start = self._now()

    def seconds(self) -> Seconds:
        """Return the elapsed seconds."""
        wall, cpu = (now - then for now, then in zip(self._now(), self._start, strict=True))
        return wall, cpu

    @staticmethod
    def _now() -> Seconds:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.perf_counter(), usage.ru_utime + usage.ru_stime


def read_aus(folder: Path) -> pd.DataFrame:
    """Read AUs by the name of the photograph."""
    frames = {}
    for stage in ("select", "aus"):
        parts = sorted((folder / "workspace" / stage).glob("part-*.parquet"))
        frames[stage] = pd.concat(pd.read_parquet(part) for part in parts).set_index("face_id")
    found = frames["aus"].join(frames["select"]["path"])
    found = found[found.status == "ok"]
    return found.set_index(found.path.map(lambda path: Path(path).name))


if __name__ == "__main__":
    sys.exit(main())
