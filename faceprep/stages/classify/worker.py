"""Train one run in a worker process, classify its test faces, and write its file."""

import time
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from faceprep.stages.classify.array_cache import CachedArray
from faceprep.stages.classify.batches import Pool
from faceprep.stages.classify.runs import LOGISTIC, RunResult, TrainingRun, write_result
from faceprep.stages.classify.training import train_classifier


def train_run(run: TrainingRun) -> RunResult:
    """Train a run and write its file.

    Raises `FaceprepError`: the loss became NaN, or the file cannot be written.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # results independent of the number of processes
    started = time.monotonic()
    try:
        with threadpool_limits(1):
            train = _train_logistic if run.row.arm == LOGISTIC else _train_network
            scores, metadata = train(run)
    finally:
        torch.set_num_threads(before)
    split = run.split
    trained, held = (sorted({*run.subjects[k].tolist()}) for k in (split.train, split.held_out))
    metadata = {**metadata, "seconds": round(time.monotonic() - started, 2)}
    result = RunResult(scores, run.face_ids[split.test].tolist(), trained, held, metadata)
    write_result(run, result)
    return result


def _train_network(run: TrainingRun) -> tuple[np.ndarray, dict[str, Any]]:
    def pool(array: CachedArray, rows: np.ndarray, labels: np.ndarray) -> Pool:
        images = _on_device(array, run.device)
        return Pool(images, torch.from_numpy(rows), torch.from_numpy(labels).to(run.device))

    split, synthetic = run.split, run.synthetic
    train, held_out, test = (
        pool(run.array, rows, run.labels[rows])
        for rows in (split.train, split.held_out, split.test)
    )
    further = None if synthetic is None else pool(synthetic.array, synthetic.rows, synthetic.labels)
    seed = run.seed * 1000 + (0 if run.fold is None else run.fold + 1)
    trained = train_classifier(
        train, held_out, run.classes, run.config, arm=run.row.arm, synthetic=further, seed=seed
    )
    looks = [[one.update, one.loss, one.accuracy] for one in trained.evaluations]
    return trained.log_probabilities(test), {"stopped_at": trained.best_update, "looks": looks}


@lru_cache(maxsize=4)
def _on_device(array: CachedArray, device: str) -> torch.Tensor:
    """Return pixels on a device; on the CPU, all processes share the mapped file."""
    return torch.from_numpy(array.read()).to(device)


def _train_logistic(run: TrainingRun) -> tuple[np.ndarray, dict[str, Any]]:
    from faceprep.stages.classify.logistic import DescribedFaces, train_logistic

    values, split = run.array.read(), run.split
    train, held_out, test = (
        DescribedFaces(values[rows], run.labels[rows])
        for rows in (split.train, split.held_out, split.test)
    )
    further = None
    if run.synthetic is not None:
        described = run.synthetic.array.read()[run.synthetic.rows]
        further = DescribedFaces(described, run.synthetic.labels)
    share = run.config.synthetic_share
    trained = train_logistic(train, held_out, run.classes, synthetic=further, synthetic_share=share)
    return trained.log_probabilities(test), {"strength": trained.strength}
