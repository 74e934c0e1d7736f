"""Worker processes on this machine.

Each worker is a joblib (loky) pool of its own: when one is killed, its shard alone is lost, and
the others never notice. When the command itself is killed, its workers finish the shards they
have in hand, and a command started meanwhile waits for those. With one worker the work runs in
this process, where a debugger works.
"""

import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from faceprep.execution.engine import Outcome

if TYPE_CHECKING:
    from faceprep.execution.engine import Work
    from faceprep.execution.shard import Job
    from faceprep.workspace import Marker

#: How often a shard is tried again after its worker was killed.
RETRIES = 2
#: A worker computes on one thread: equal bytes whatever the number of workers.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_ORPHAN_CHECK_SECONDS = 0.2

_busy = threading.Event()


class WorkerKilledError(RuntimeError):
    """The worker died (killed, or out of memory) each time it came to this shard."""


def run(jobs: "Sequence[Job]", work: "Work", workers: int) -> Iterator[Outcome]:
    """Do every job in ``workers`` processes; see `faceprep.execution.engine.Engine`."""
    if workers <= 1 or len(jobs) <= 1:
        yield from _in_this_process(jobs, work)
        return
    # Not from two threads at once; and a tracker that starts later undoes a thread's signal mask.
    import multiprocessing.resource_tracker

    import joblib.externals.loky.backend.resource_tracker
    import joblib.externals.loky.process_executor

    multiprocessing.resource_tracker.ensure_running()
    joblib.externals.loky.backend.resource_tracker.ensure_running()
    todo: queue.SimpleQueue[Job] = queue.SimpleQueue()
    for job in jobs:
        todo.put(job)
    outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
    stop = threading.Event()
    threads = [
        threading.Thread(target=_serve, args=(todo, outcomes, work, stop), daemon=True)
        for _ in range(min(workers, len(jobs)))
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in jobs:
            yield _next(outcomes, threads)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _in_this_process(jobs: "Sequence[Job]", work: "Work") -> Iterator[Outcome]:
    for job in jobs:
        try:
            yield Outcome(job, marker=work(job))
        except Exception as error:
            yield Outcome(job, error=error)


def _next(outcomes: "queue.SimpleQueue[Outcome]", threads: Sequence[threading.Thread]) -> Outcome:
    """Wait for an outcome, but not for threads that cannot bring one any more."""
    while True:
        alive = any(thread.is_alive() for thread in threads)
        try:
            return outcomes.get(timeout=1)
        except queue.Empty:
            if not alive:
                raise RuntimeError("no worker could be started") from None


def _serve(
    todo: "queue.SimpleQueue[Job]",
    outcomes: "queue.SimpleQueue[Outcome]",
    work: "Work",
    stop: threading.Event,
) -> None:
    """Feed one worker process until there is nothing left to do."""
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    # Ctrl-C reaches every process of a terminal. Workers inherit this thread's mask, so that the
    # command alone hears it, and ends them.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    pool = _pool()
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
                    pool = _pool()
                    if attempt == RETRIES:
                        killed = WorkerKilledError(f"its worker was killed {attempt + 1} times")
                        killed.__cause__ = error
                        outcomes.put(Outcome(job, error=killed))
                except Exception as error:
                    outcomes.put(Outcome(job, error=error))
                    break
    finally:
        pool.shutdown(kill_workers=True)


def _wait(future, stop: threading.Event):  # type: ignore[no-untyped-def]
    """Result of a future; ``None`` as soon as the run is being stopped."""
    from concurrent.futures import TimeoutError as NotYetError

    while not stop.is_set():
        try:
            return future.result(timeout=0.1)
        except NotYetError:
            if future.done():  # then it is the work's own
                return future.result()
    while not (future.running() or future.done()):  # loky stumbles over a job not yet taken up
        time.sleep(0.01)
    return None


def _pool():  # type: ignore[no-untyped-def]
    from joblib.externals.loky import ProcessPoolExecutor

    return ProcessPoolExecutor(
        max_workers=1, initializer=follow_parent, initargs=(os.getpid(),), env=ENVIRONMENT
    )


def uninterrupted(work: "Callable[..., Marker]", *arguments: Any) -> "Marker":
    """Do work in a worker; when the command is killed meanwhile, it is finished all the same."""
    _busy.set()
    try:
        return work(*arguments)
    finally:
        _busy.clear()


def follow_parent(parent: int) -> None:
    """Let a worker finish what it has in hand and leave when the command is killed."""

    def watch() -> None:
        while os.getppid() == parent or _busy.is_set():
            time.sleep(_ORPHAN_CHECK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
