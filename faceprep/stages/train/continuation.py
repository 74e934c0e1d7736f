"""Continue a training, or refuse to replace it by another one without ``--overwrite``."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from faceprep.config import Config, TrainConfig
from faceprep.core.errors import Again, FaceprepError, UsageError
from faceprep.core.files import digest
from faceprep.core.vocabulary import plural
from faceprep.execution.consent import Replaced, asked, changes_between, refusal
from faceprep.generators.registry import spec_of
from faceprep.stages.train.faces import classes_of
from faceprep.stages.train.plan import Prepared, feature_loader
from faceprep.training.checkpoint import Checkpoint, read_checkpoint
from faceprep.training.trainer import TrainingSetup
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import (
    ASKED,
    INFO,
    RESUME,
    TRAIN,
    USE,
    generator_folder,
    generator_name,
)
from faceprep.workspace.training_rows import training_rows

#: Settings that a continued training may change.
_MAY_CHANGE = ("train.steps", "train.epochs", "train.calibrate", "train.fold", "train.generator")

#: Settings of the length of a training.
_LENGTHS = ("steps", "epochs")


def resumed(prepared: Prepared, config: Config) -> Prepared | None:
    """Return the plan with the steps of the checkpoint; None if it may be replaced.

    Raises
    ------
    UsageError
        The checkpoint belongs to another training, and ``--overwrite`` was not given for this one
        before; or it has more steps than this training. Face features are compared later.
    FaceprepError
        The checkpoint is damaged.
    """
    path = prepared.folder / RESUME
    name = f"{TRAIN}/{prepared.folder.name}"
    if not path.is_file():
        if not (prepared.folder / USE).is_file() or _is_accepted(prepared, config):
            return None
        why = f"{path} is missing, so that the training of {USE} cannot continue"
        raise refusal(config, [Replaced(name, "a trained generator", reasons=[why])])
    if _is_accepted(prepared, config, restart=True):
        return None
    file = read_checkpoint(path)
    done = int(file.progress.get("step") or 0)
    try:
        _refuse_other(config, prepared.folder, file, prepared.setup, prepared.facts)
    except UsageError:
        if _is_accepted(prepared, config):
            return None
        raise
    _refuse_shorter(prepared, config, done)
    return replace(prepared, plan=replace(prepared.plan, done=done))


def check_training(config: Config) -> None:
    """Refuse settings that would replace another training without ``--overwrite``.

    The crops are not read, which takes long for a large dataset; the job compares them.

    Raises
    ------
    UsageError
        The checkpoint in the workspace belongs to a training with other settings.
    FaceprepError
        The checkpoint is damaged.
    """
    train = config.train
    folder = generator_folder(config.workspace, generator_name(train.generator, train.fold))
    path = folder / RESUME
    begun = asked(Workspace(config.workspace), f"{TRAIN}/{folder.name}").get("settings")
    if not path.is_file() or begun == json.loads(json.dumps(train.settings())):
        return
    file = read_checkpoint(path)
    classes = classes_of(training_rows(config.workspace, fold=train.fold), train)
    setup = spec_of(train.generator).setup(train, classes, feature_loader(config))
    facts = {
        **setup.identity(),
        "seed": train.seed,
        "freeze": sorted(train.freeze) if train.freeze else None,
    }
    _refuse_other(config, folder, file, setup, facts)


def _refuse_other(
    config: Config, folder: Path, file: Checkpoint, setup: TrainingSetup, facts: Mapping[str, Any]
) -> None:
    """Refuse to replace the training of a checkpoint by one with other settings or faces."""
    try:
        file.expect_same(setup.kind, setup.config, facts)
    except FaceprepError as error:
        changes = changes_between(_recorded(folder), config.train.settings(), f"{TRAIN}.")
        changes = [change for change in changes if change.key not in _MAY_CHANGE]
        amount = f"a training of {int(file.progress.get('step') or 0):,} steps"
        reasons = [] if changes else [error.message]
        replaced = Replaced(f"{TRAIN}/{folder.name}", amount, changes, reasons)
        raise refusal(config, [replaced]) from None


def _refuse_shorter(prepared: Prepared, config: Config, done: int) -> None:
    """Refuse a training with fewer steps than were done."""
    total = sum(prepared.plan.steps.values())
    if done <= total:
        return
    now, before = config.train.settings(), _recorded(prepared.folder) or {"steps": done}
    lengths = {key: before.get(key) for key in _LENGTHS if before.get(key) != now[key]}
    lengths = lengths or {"steps": done}
    back = {f"train.{key}": "none" if value is None else value for key, value in lengths.items()}
    raise UsageError(
        f"{prepared.folder} is already trained {plural(done, 'step')}, which is more than"
        f" {plural(total, 'step')}",
        (
            Again(back, note="the length of that training"),
            Again({"overwrite": True}, note="trains again from the start"),
        ),
    )


def made_by(prepared: Prepared) -> str:
    """Return the hash of a training, without its length."""
    return digest([prepared.setup.kind, prepared.setup.config, prepared.facts])


def _is_accepted(prepared: Prepared, config: Config, *, restart: bool = False) -> bool:
    """Return whether another training may be replaced, or, with `restart`, is not replaced yet."""
    note = asked(Workspace(config.workspace), f"{TRAIN}/{prepared.folder.name}")
    return note.get("made") == made_by(prepared) and (note.get("restart", False) or not restart)


def _recorded(folder: Path) -> dict[str, Any]:
    """Return the settings of a training that ended or, without one, of one that was begun."""
    known = TrainConfig().settings()
    for name in (INFO, ASKED):
        try:
            found = dict(json.loads((folder / name).read_text()))
        except (OSError, ValueError, TypeError):
            continue
        settings = found.get("settings") or found.get("config") or {}
        if settings:
            return {key: value for key, value in settings.items() if key in known}
    return {}
