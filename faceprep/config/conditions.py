"""Conditions under which a setting affects anything, for settings that depend on others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from faceprep.config.pipeline import Config


@dataclass(frozen=True)
class Condition:
    """A condition of some settings."""

    keys: tuple[str, ...]  # settings, or sections with all their settings
    holds: Callable[[Config], bool]  # whether the settings have an effect
    needs: str  # the condition in words, as settings
    change: Mapping[str, Any] = field(default_factory=dict)  # settings that fulfil it


def _dataset(*names: str) -> Callable[[Config], bool]:
    return lambda config: config.select.dataset in (None, *names)


def _modes(*names: str) -> Callable[[Config], bool]:
    return lambda config: not {*names}.isdisjoint(config.augment.shares())


def _filters(*names: str) -> Callable[[Config], bool]:
    return lambda config: config.augment.filter in (*names, "both")


def _arms(config: Config) -> set[str]:
    return {word.removesuffix("@0") for word in config.classify.arms}


def _synthetic(config: Config) -> bool:
    asked = config.classify
    arms = any(not word.endswith("@0") for word in asked.arms)
    return arms and any((*asked.sweep, *asked.times))


def _named(section: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{section}.{name}" for name in names)


_NAMED = ("folder", "table")

CONDITIONS = (
    Condition(
        ("demo",),
        lambda config: config.select.root is None,
        "the drawn dataset: no select.root",
        {"select.root": None, "select.dataset": None},
    ),
    Condition(
        _named("select", "table", "max_missing"), _dataset("folder"), "select.dataset=folder"
    ),
    Condition(
        _named("select", "naming", "pattern", "words", "numbers"),
        _dataset(*_NAMED),
        "select.dataset=folder or table",
    ),
    Condition(
        _named("select", "neutral_frames", "peak_frames"),
        _dataset("oulu-casia", "ck-plus", "folder"),
        "a dataset of sequences",
    ),
    Condition(("select.folds",), _dataset("oulu-casia", "ck-plus", *_NAMED), "another dataset"),
    Condition(
        ("select.peak_frames",),
        lambda config: (
            config.select.dataset != "folder" or config.select.neutral_frames is not None
        ),
        "select.neutral_frames: photographs of a folder are stills without it",
    ),
    Condition(
        _named("select", "test_fraction", "val_fraction"),
        lambda config: config.select.dataset != "celeba" or config.select.split == "random",
        "select.split=random",
        {"select.split": "random"},
    ),
    Condition(
        ("select.seed",),
        lambda config: config.select.dataset != "celeba" or config.select.split != "official",
        "select.split=random",
        {"select.split": "random"},
    ),
    Condition(
        ("select.split",),
        lambda config: config.select.dataset == "celeba" or config.select.split != "180k-20k",
        "select.dataset=celeba",
    ),
    Condition(
        ("aus.openface_bin",),
        lambda config: (
            config.aus.openface_models is None or config.aus.backend in ("auto", "openface")
        ),
        "no aus.openface_models, which are used",
    ),
    Condition(
        ("aus.openface_csv",),
        lambda config: config.aus.backend == "openface-csv" or config.aus.landmarks == "csv",
        "aus.backend=openface-csv",
        {"aus.backend": "openface-csv"},
    ),
    Condition(
        ("train.neutral",), lambda config: config.train.classes is None, "no train.classes"
    ),
    Condition(
        _named("augment", "sources", "distinct_people"),
        _modes("other"),
        "augment.mode=other",
        {"augment.mode": "other"},
    ),
    Condition(
        ("augment.source_expressions",),
        _modes("edit", "other"),
        "augment.mode=edit or other",
        {"augment.mode": "edit"},
    ),
    Condition(
        ("augment.intensity",),
        lambda config: config.augment.code != "paper",
        "augment.code other than paper, which draws it",
    ),
    Condition(
        _named("augment", "judge", "min_probability"),
        _filters("judge"),
        "augment.filter=judge or both",
        {"augment.filter": "judge"},
    ),
    Condition(
        ("augment.percentile",),
        _filters("features"),
        "augment.filter=features or both",
        {"augment.filter": "features"},
    ),
    Condition(
        ("augment.tries",),
        _filters("judge", "features"),
        "augment.filter",
        {"augment.filter": "judge"},
    ),
    Condition(
        _named("classify", "generator", "synthetic_share"),
        _synthetic,
        "synthetic faces in the table: classify.sweep or classify.times",
        {"classify.sweep": [0, 3000]},
    ),
    Condition(
        ("classify.features",),
        lambda config: "logistic" in _arms(config) or _synthetic(config),
        "the arm logistic, or synthetic faces",
        {"classify.arms": ["flips", "logistic"]},
    ),
    Condition(
        ("classify.classic_strength",),
        lambda config: "classic" in _arms(config),
        "the arm classic",
        {"classify.arms": ["flips", "classic"]},
    ),
    Condition(
        _named(
            "classify", "network", "size", "updates", "batch", "even", "learning_rate",
            "weight_decay", "smoothing", "look_every", "bf16",
        ),
        lambda config: _arms(config) != {"logistic"},
        "an arm that trains a network",
        {"classify.arms": ["flips", "logistic"]},
    ),
    Condition(
        ("classify.neutral",), lambda config: config.classify.classes is None, "no classify.classes"
    ),
    Condition(("slurm",), lambda config: config.engine == "slurm", "engine=slurm",
              {"engine": "slurm"}),
    Condition(("dask",), lambda config: config.engine == "dask", "engine=dask",
              {"engine": "dask"}),
)  # fmt: skip
