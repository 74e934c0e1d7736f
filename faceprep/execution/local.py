"""Worker processes on this machine.

Each worker is a loky pool of one process: if it is killed, only its shard is lost. If the command
itself is killed, its workers finish their current shards; a command started meanwhile waits for
them. With one worker the work runs in this process, where a debugger works.
"""

import multiprocessing.resource_tracker
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYetError
from typing import Any

from faceprep.core.signals import interrupts_blocked
from faceprep.execution.job import Job, Outcome, Work, WorkerKilledError
from faceprep.execution.shard import ENVIRONMENT
from faceprep.workspace import Marker

#: Number of retries of a shard whose worker was killed.
RETRIES = 2
_PARENT_CHECK_SECONDS = 0.2

_busy = threading.Event()


def run(jobs: Sequence[Job], work: Work, workers: int) -> Iterator[Outcome]:
    """Run every job in ``workers`` processes; see `faceprep.execution.job.Engine`."""
    if workers <= 1 or len(jobs) <= 1:
        yield from _run_in_this_process(jobs, work)
        return
    # Start the trackers here: the threads below must not start them concurrently, and a tracker
    # started from a thread would reset that thread's signal mask.
    import loky.backend.resource_tracker
    import loky.process_executor

    with interrupts_blocked():
        multiprocessing.resource_tracker.ensure_running()
        loky.backend.resource_tracker.ensure_running()
    todo: queue.SimpleQueue[Job] = queue.SimpleQueue()
    for job in jobs:
        todo.put(job)
    outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
    stop = threading.Event()
    threads = [
        threading.Thread(target=_feed_worker, args=(todo, outcomes, work, stop), daemon=True)
        for _ in range(min(workers, len(jobs)))
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in jobs:
            yield _next_outcome(outcomes, threads)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _run_in_this_process(jobs: Sequence[Job], work: Work) -> Iterator[Outcome]:
    for job in jobs:
        try:
            yield Outcome(job, marker=work(job))
        except Exception as error:
            yield Outcome(job, error=error)


def _next_outcome(
    outcomes: "queue.SimpleQueue[Outcome]", threads: Sequence[threading.Thread]
) -> Outcome:
    """Wait for an outcome while any thread can still deliver one."""
    while True:
        alive = any(thread.is_alive() for thread in threads)
        try:
            return outcomes.get(timeout=1)
        except queue.Empty:
            if not alive:
                raise RuntimeError("no worker could be started") from None


@interrupts_blocked()
def _feed_worker(
    todo: "queue.SimpleQueue[Job]",
    outcomes: "queue.SimpleQueue[Outcome]",
    work: Work,
    stop: threading.Event,
) -> None:
    """Pass jobs to one worker process, which inherits the signal mask, until none is left."""
    from loky.process_executor import TerminatedWorkerError

    pool = _start_pool()
    try:
        while not stop.is_set():
            try:
                job = todo.get_nowait()
            except queue.Empty:
                break
            for attempt in range(RETRIES + 1):
                try:
                    marker = _wait(pool.submit(uninterrupted, work, job), stop)
                    if marker is None:
                        return
                    outcomes.put(Outcome(job, marker=marker))
                    break
                except TerminatedWorkerError as error:
                    pool.shutdown(kill_workers=True)
                    pool = _start_pool()
                    if attempt == RETRIES:
                        killed = WorkerKilledError(f"its worker was killed {attempt + 1} times")
                        killed.__cause__ = error
                        outcomes.put(Outcome(job, error=killed))
                except Exception as error:
                    outcomes.put(Outcome(job, error=error))
                    break
    finally:
        pool.shutdown(kill_workers=True)


def _wait(future: "Future[Marker]", stop: threading.Event) -> Marker | None:
    """Return the result of a future, or None once the run is being stopped."""
    while not stop.is_set():
        try:
            return future.result(timeout=0.1)
        except NotYetError:
            if future.done():  # raised by the work itself
                return future.result()
    # A pool cannot be shut down cleanly while a job is in transit to the worker.
    while not (future.running() or future.done()):
        time.sleep(0.01)
    return None


def _start_pool() -> Any:
    from loky import ProcessPoolExecutor

    return ProcessPoolExecutor(
        max_workers=1, initializer=follow_parent, initargs=(os.getpid(),), env=ENVIRONMENT
    )


def uninterrupted(work: Callable[..., Marker], *arguments: Any) -> Marker:
    """Run work in a worker process, and finish it even if the command is killed."""
    _busy.set()
    try:
        return work(*arguments)
    finally:
        _busy.clear()


def follow_parent(parent: int) -> None:
    """End this worker process once the command has ended and no work is running."""

    def watch() -> None:
        while os.getppid() == parent or _busy.is_set():
            time.sleep(_PARENT_CHECK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
