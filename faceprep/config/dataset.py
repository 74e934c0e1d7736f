"""Settings of ``[demo]`` and ``[select]``."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from faceprep.config.section import LOCATION, Section, impossible
from faceprep.core.errors import Again
from faceprep.core.vocabulary import Dataset, Expression, Layout, meant


def _named(kind: Any) -> BeforeValidator:
    """Return the validator that accepts other spellings of the words of a `Literal`."""
    known = get_args(kind)
    return BeforeValidator(
        lambda value: (meant(value, known) or value) if isinstance(value, str) else value
    )


DatasetName = Annotated[Dataset, _named(Dataset)]


def _flat(values: Any) -> Any:
    """Join the keys of tables that a dot in a word made, and read ``none``."""

    def pairs(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
        for key, value in table.items():
            if isinstance(value, Mapping):
                yield from pairs(value, f"{prefix}{key}.")
            else:
                yield prefix + key, None if value in ("none", "unlabelled") else value

    return dict(pairs(values)) if isinstance(values, Mapping) else values


#: Word of a dataset → expression; ``None`` means that images with the word are unlabelled.
Words = Annotated[dict[str, Expression | None], BeforeValidator(_flat)]


class DemoConfig(Section):
    """The rendered demo dataset."""

    layout: Annotated[Layout, _named(Layout)] = Field(
        "oulu-casia", description="dataset whose folder layout is imitated"
    )
    subjects: int = Field(40, ge=1, le=2000, description="number of people")
    frames: int = Field(9, ge=4, le=200, description="frames of a sequence, from neutral to peak")
    size: int = Field(320, ge=160, le=1024, description="height of a photograph, pixels")
    difficulty: float = Field(
        0.5, ge=0, le=1, description="0: easy, 1: hard (pose, light, occlusion, weak expressions)"
    )
    seed: int = Field(0, ge=0, description="seed of the people and their photographs")


class SelectConfig(Section):
    """Selection of frames, expressions and splits."""

    dataset: DatasetName | None = Field(
        None, description="dataset to read; table: Parquet files that contain the images"
    )
    root: Path | None = Field(None, json_schema_extra=LOCATION, description="folder of the dataset")
    table: Path | None = Field(
        None,
        json_schema_extra=LOCATION,
        description="folder: CSV or Parquet with image, expression[, subject, sequence, …]",
    )
    naming: str = Field(
        "auto",
        description="folder: naming scheme of the files, from which people and expressions are"
        " read: auto, none, jaffe, kdef, rafd, …",
    )
    pattern: str | None = Field(
        None,
        description="folder: your own naming scheme, as {subject}/{expression}/{sequence}/{frame}"
        " or {subject}_{expression}_{}; {} is anything",
    )
    max_missing: float = Field(
        0.2, ge=0, le=1, description="share of a table's images that may be missing"
    )
    split: Literal["official", "180k-20k", "random"] = Field(
        "official",
        description="how people are divided into train, val and test: as the dataset's authors did,"
        " 180 000 and 20 000 images of CelebA, or at random",
    )
    test_fraction: float = Field(
        0.2, ge=0, lt=1, description="share of the people in test, with split=random"
    )
    val_fraction: float = Field(
        0.0, ge=0, lt=1, description="share of the people in val, with split=random"
    )
    folds: int = Field(
        10, ge=2, le=127, description="number of folds for cross-validation, by person"
    )
    peak_frames: int = Field(
        3, ge=1, description="number of last frames of a sequence taken as peak"
    )
    neutral_frames: int | None = Field(
        None,
        ge=0,
        description="number of first frames taken as neutral; none: as the dataset's authors do",
    )
    unlabelled: bool = Field(False, description="keep frames without an expression")
    duplicates: Literal["keep", "drop", "error"] = Field(
        "keep",
        description="what to do with images of equal content: keep all, keep one (none of them if"
        " their expressions differ), or stop",
    )
    words: Words = Field(
        {},
        description="word, code or number of the dataset = expression; none: images with it are"
        " unlabelled",
    )
    numbers: str | None = Field(
        None, description="scheme of numbers that are labels: fer2013, affectnet, raf-db, ck+, …"
    )
    seed: int = Field(0, ge=0, description="seed of random splits")
    limit: int | None = Field(
        None, ge=1, le=10**9, description="keep the first N frames only, for trying"
    )

    @model_validator(mode="after")
    def _training_part(self) -> "SelectConfig":
        if self.test_fraction + self.val_fraction >= 1:
            words = f"test_fraction {self.test_fraction:g} and val_fraction {self.val_fraction:g}"
            raise impossible(
                "val_fraction" if self.val_fraction else "test_fraction",
                f"{words} leave nobody to train on: they must sum to less than 1",
                Again({"select.test_fraction": 0.2, "select.val_fraction": 0.1}),
            )
        return self
