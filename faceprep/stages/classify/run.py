"""The verb ``classify``: train classifiers with 0, 3K … synthetic faces, test on unseen subjects.

Ding et al. (AAAI 2018, section "Facial expression data augmentation", Table 1) train a classifier
on real training faces with an increasing number of synthetic ones, and test it on subjects that
neither it nor the generator has seen. Here every row has the same number of updates, several seeds
and optionally folds; other arms are baselines without a generator.

<workspace>/classify/  accuracy.parquet     one row per training run
                       predictions.parquet  one row per test face and training run
                       confusion.parquet    counts by true and predicted expression, mean of seeds
                       accuracy.csv .tex .png .json   table, plot, and full report
                       cells/  faces/       finished runs and pixels, to continue from
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from faceprep.config import Config
from faceprep.config.sources import flatten
from faceprep.core.errors import Again, FaceprepError, MissingToolError
from faceprep.core.files import digest
from faceprep.core.marks import keep_foreign
from faceprep.core.progress import Progress
from faceprep.execution import local
from faceprep.execution.consent import accept, asked, refusal
from faceprep.execution.runner import workers
from faceprep.metrics.leaks import refuse_leaks
from faceprep.stages.classify.plan import Plan
from faceprep.stages.classify.result import ClassifyResult
from faceprep.stages.classify.runs import STAGE, RunResult, TrainingRun, read_result
from faceprep.stages.classify.table import replaced_table, with_finished_rows
from faceprep.stages.classify.worker import train_run
from faceprep.workspace import Workspace
from faceprep.workspace.at_work import at_work
from faceprep.workspace.remembered import remember

if TYPE_CHECKING:
    from faceprep.metrics.near_duplicates import NearDuplicates


def run_classify(
    config: Config, progress: Progress, *, overwrite: bool = False, dry_run: bool = False
) -> ClassifyResult:
    """Train the missing runs, and compute the table.

    Parameters
    ----------
    overwrite
        Reread all crops and train all runs again.
    dry_run
        Only plan the runs.

    Raises
    ------
    UsageError
        A setting is invalid, there are too few synthetic faces, trainings would disappear from the
        table without ``--overwrite``, or another command makes another table now.
    MissingToolError
        The weights of the face features, or the requested GPU, are missing.
    FaceprepError
        A component of the table saw a test subject, or a training failed.
    """
    plan = Plan(config, progress, dry_run=dry_run, overwrite=overwrite)
    result = ClassifyResult(
        plan.folder,
        config.classify.generator,
        plan.faces,
        plan.runs,
        made_of=plan.inputs,
        unknown_people=plan.unknown_people,
        notes=plan.notes(),
        overwrite=overwrite,
    )
    made = digest([result.generator, sorted(run.path.name for run in plan.runs)])
    place = Workspace(config.workspace)
    replaced = replaced_table(config, result)
    if replaced is not None and not overwrite and asked(place, STAGE).get("made") != made:
        raise refusal(config, [replaced], both=with_finished_rows(config, replaced))
    if dry_run:
        return result
    if not (plan.folder / "accuracy.parquet").is_file():
        keep_foreign([plan.folder / "accuracy.png"], None)
    makes = {STAGE: digest(config.classify.settings())}
    with at_work(config.workspace, makes, flatten(config.classify.settings(), f"{STAGE}.")):
        remember(config, (STAGE,))
        accept(place, STAGE, made)
        return _make(config, plan, result, progress)


def _make(config: Config, plan: Plan, result: ClassifyResult, progress: Progress) -> ClassifyResult:
    _train(config, result, progress)
    _refuse_own_leaks(result)
    result.fill_table()
    result.near = _near_duplicates(plan, result)
    return result


def _train(config: Config, result: ClassifyResult, progress: Progress) -> None:
    """Train the runs without a result file, one process per worker."""
    # Removed at once, so that a repeated command trains the rest again; the table stays.
    for run in result.runs if result.overwrite else ():
        run.path.unlink(missing_ok=True)
    known = [read_result(run) for run in result.runs]
    todo = [run for run, done in zip(result.runs, known, strict=True) if done is None]
    made: dict[Path, RunResult] = {}
    before = len(known) - len(todo)
    progress.say(f"classify: {len(todo)} of {len(known)} trainings to do")
    progress.start(STAGE, len(known), before)
    started = time.monotonic()
    # A GPU takes one training at a time by default.
    count = config.workers or (1 if todo and todo[0].device == "cuda" else workers(config))
    try:
        for outcome in local.run(cast(Any, todo), cast(Any, train_run), count):
            run = cast(TrainingRun, outcome.job)
            if outcome.error is not None:
                _raise(run, outcome.error)
            made[run.path] = cast(RunResult, outcome.marker)
            progress.update(before + len(made), run.row.name)
    finally:
        progress.finish()
    result.trained, result.seconds = len(made), time.monotonic() - started
    result.run_results = [
        done if done is not None else made[run.path]
        for run, done in zip(result.runs, known, strict=True)
    ]


def _raise(run: TrainingRun, error: BaseException) -> None:
    if isinstance(error, FaceprepError):
        raise error
    raise FaceprepError(
        f"the training {run.row.name}, seed {run.seed} failed: {type(error).__name__}: {error}",
        Again({"overwrite": False}, note="resumes with this training; the others are saved"),
    ) from error


def _refuse_own_leaks(result: ClassifyResult) -> None:
    """Refuse a table whose trainings or early stopping saw a test subject."""
    for run, done in zip(result.runs, result.run_results, strict=True):
        tested = run.subjects[run.split.test].tolist()
        touched = {"the classifier's training": done.trained_on, "early stopping": done.held_out}
        refuse_leaks(tested, touched)


def _near_duplicates(plan: Plan, result: ClassifyResult) -> "NearDuplicates | None":
    """Compare the synthetic faces, if any, with the test faces."""
    from faceprep.stages.classify.near_duplicates import compare_with_test

    if not plan.synthetic or not plan.config.classify.near_duplicates:
        return None
    try:
        features = plan.features
    except MissingToolError as error:
        result.notes.append(f"near duplicates were not looked for: {error.message}")
        return None
    return compare_with_test(plan, features)
