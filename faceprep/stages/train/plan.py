"""Resolve the setup, the faces and the cost of a training."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceprep.config import Config, TrainConfig
from faceprep.core.errors import Again, FaceprepError, Remedy, UsageError
from faceprep.core.files import digest
from faceprep.core.vocabulary import choice_hint, plural
from faceprep.execution.consent import Replaced, asked, changes_between, refusal
from faceprep.generators.registry import spec_of
from faceprep.stages.train.faces import classes_of, collect_references, read_crops, with_drivers
from faceprep.training.checkpoint import read_checkpoint
from faceprep.training.initial_weights import InitialWeights, freeze, match_weights
from faceprep.training.trainer import TrainingData, TrainingSetup
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

if TYPE_CHECKING:
    from faceprep.faces.features import FaceFeatures

#: Settings that a continued training may change.
_MAY_CHANGE = ("train.steps", "train.epochs", "train.calibrate", "train.fold", "train.generator")

#: Settings of the length of a training.
_LENGTHS = ("steps", "epochs")

#: Bytes per weight in training: weight, gradient, two moments of Adam, moving average.
_BYTES = 4 * 5


@dataclass(frozen=True)
class Plan:
    """Plan of a training."""

    #: Kind and preset of the generator, and output folder.
    generator: str
    preset: str
    folder: str
    size: int
    #: Expressions in order; number of training faces of each; number of subjects.
    classes: tuple[str, ...]
    faces: dict[str, int]
    people: int
    #: Steps of every phase by name, batch size, steps already done.
    steps: dict[str, int]
    batch: int
    done: int
    parameters: dict[str, int]  # number of parameters of every network
    memory: dict[str, int]  # bytes by use; ``activations`` is an estimate
    #: Device, and number of threads.
    device: str
    threads: int
    start: str = ""  # tensors of train.init_from, counted; empty without one
    frozen: int = 0  # number of parameters that are not trained


@dataclass(frozen=True)
class Prepared:
    """A training before its networks are built."""

    #: Resolved settings, and faces.
    setup: TrainingSetup
    data: TrainingData
    folder: Path  # folder of the generator
    #: Settings that a continuation must share, without those of the face features.
    facts: dict[str, Any]
    load_features: "Callable[..., FaceFeatures]"  # loader of the face features
    plan: Plan  # plan to print
    #: Additions to the ``extra`` of the generator's file.
    extra: dict[str, Any] = field(default_factory=dict)
    start: InitialWeights | None = None  # weights that the training starts from

    @property
    def subjects(self) -> list[str]:
        """Subjects of the training faces, sorted."""
        return sorted(set(self.data.crops.subjects))


def prepare(config: Config, device: str, threads: int) -> Prepared:
    """Resolve the settings and read the faces.

    Raises
    ------
    UsageError
        A setting is invalid, or there are no training faces.
    MissingToolError
        The weights of the face features are missing.
    FaceprepError
        A crop cannot be read.
    """
    train = config.train
    spec = spec_of(train.generator)
    if train.preset not in spec.presets:
        raise UsageError(
            f"the generator '{spec.kind}' has no preset '{train.preset}'",
            choice_hint("train.preset", train.preset, spec.presets),
        )
    rows = training_rows(config.workspace, fold=train.fold)
    classes = classes_of(rows, train)
    load_features = _feature_loader(config)
    setup = spec.setup(train, classes, load_features)
    driven_by = spec.driven_by if setup.driven_by is None else setup.driven_by
    rows = with_drivers(rows[rows["expression"].isin(classes)], config.workspace, driven_by)
    read = partial(
        read_crops,
        classes=classes,
        size=setup.size,
        device=device,
        threads=threads,
        driven_by=driven_by,
    )
    crops = read(rows)
    if len(set(crops.subjects)) == 1:
        raise UsageError(
            "all training faces show one person: a generator learns what differs between people",
            Remedy("show", arguments=(str(config.workspace),), note="counts them"),
        )
    unseen = with_drivers(
        training_rows(config.workspace, "val", classes, train.fold),
        config.workspace,
        driven_by,
    )
    data = TrainingData(
        crops=crops,
        unseen=read(unseen) if len(unseen) else None,
        seed=train.seed,
        compiled=train.compile and device == "cuda",
    )
    folder = generator_folder(config.workspace, generator_name(train.generator, train.fold))
    start = _start(train.init_from, setup, folder)
    phases = setup.phases(len(crops))
    parameters = setup.parameters()
    plan = Plan(
        generator=train.generator,
        preset=train.preset,
        folder=str(folder),
        size=setup.size,
        classes=classes,
        faces=crops.counts(),
        people=len(set(crops.subjects)),
        steps={phase.name: phase.steps for phase in phases},
        batch=max(phase.batch for phase in phases),
        done=0,
        parameters=parameters,
        memory={
            "networks": _BYTES * sum(parameters.values()),
            "faces": crops.images.numel(),
            "activations": setup.activations(),
        },
        device=device,
        threads=threads,
        start="" if start is None else start.summary(),
        frozen=freeze(setup.sketch, train.freeze) if train.freeze else 0,
    )
    facts = {
        **setup.identity(),
        "seed": train.seed,
        "data": crops.fingerprint,
        "init_from": start.sha256 if start else train.init_from and _recorded_start(folder),
        "freeze": sorted(train.freeze) if train.freeze else None,
    }
    extra = collect_references(rows, crops, driven_by)
    return Prepared(setup, data, folder, facts, load_features, plan, extra, start)


def _start(path: Path | None, setup: TrainingSetup, folder: Path) -> InitialWeights | None:
    """Compare the file of ``train.init_from``; UsageError for a file that would be replaced.

    None without such a setting, and for a lost file of a training that has begun, which continues
    from its checkpoint.
    """
    if path is None or (not path.exists() and _recorded_start(folder)):
        return None
    if path.exists() and any(path.samefile(one) for one in folder.glob("*.safetensors")):
        raise UsageError(
            f"{path} is the file that this training writes",
            "copy it to another folder, and name the copy",
        )
    return match_weights(path, setup.kind, setup.sketch)


def _recorded_start(folder: Path) -> str | None:
    """Return the hash of the weights from which a training in the folder began."""
    path = folder / RESUME
    found = read_checkpoint(path).extra.get("init_from") if path.is_file() else None
    return found if isinstance(found, str) else None


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
        file.expect_same(prepared.setup.kind, prepared.setup.config, prepared.facts)
    except FaceprepError as error:
        if _is_accepted(prepared, config):
            return None
        changes = changes_between(_recorded(prepared.folder), config.train.settings(), f"{TRAIN}.")
        changes = [change for change in changes if change.key not in _MAY_CHANGE]
        amount = f"a training of {done:,} steps"
        reasons = [] if changes else [error.message]
        raise refusal(config, [Replaced(name, amount, changes, reasons)]) from None
    _refuse_shorter(prepared, config, done)
    return replace(prepared, plan=replace(prepared.plan, done=done))


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


def _feature_loader(config: Config) -> "Callable[..., FaceFeatures]":
    def load(device: str = "cpu") -> "FaceFeatures":
        from faceprep.faces.features import load_features

        return load_features(config.train.features, device, template=config.align.template)

    return load
