"""Settings of ``[demo]`` and ``[select]``."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from faceprep.config.section import LOCATION, Section
from faceprep.core.vocabulary import Expression

Dataset = Literal["oulu-casia", "ck-plus", "celeba", "folder", "table"]


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


#: A name; the flag ``none``, which means no value elsewhere, is the name ``none``.
NameOrNone = Annotated[str, BeforeValidator(lambda value: "none" if value is None else value)]


class DemoConfig(Section):
    """The rendered demo dataset."""

    layout: Literal["oulu-casia", "ck-plus", "celeba"] = "oulu-casia"
    subjects: int = Field(40, ge=1, le=2000)
    frames: int = Field(9, ge=4, le=200, description="frames of a sequence, neutral to peak")
    size: int = Field(320, ge=160, le=1024, description="height of a photograph, pixels")
    difficulty: float = Field(0.5, ge=0, le=1)
    seed: int = Field(0, ge=0)


class SelectConfig(Section):
    """Selection of frames, expressions and splits."""

    dataset: Dataset | None = None
    root: Path | None = Field(None, json_schema_extra=LOCATION)
    table: Path | None = Field(
        None,
        json_schema_extra=LOCATION,
        description="folder: CSV or Parquet with image, expression[, subject, sequence, …]",
    )
    naming: NameOrNone = Field(
        "auto",
        description="folder: naming scheme of files that tells people and expressions: auto, none, "
        "jaffe, kdef, rafd, …",
    )
    pattern: str | None = Field(
        None,
        description="folder: own scheme of paths, as {subject}/{expression}/{sequence}/{frame} or "
        "{subject}_{expression}_{}; {} is anything",
    )
    max_missing: float = Field(
        0.2, ge=0, le=1, description="share of a table's images that may be missing"
    )
    split: Literal["official", "180k-20k", "random"] = "official"
    test_fraction: float = Field(0.2, ge=0, lt=1, description="of the subjects, where random")
    val_fraction: float = Field(0.0, ge=0, lt=1, description="of the subjects, where random")
    folds: int = Field(10, ge=2, le=127)
    peak_frames: int = Field(3, ge=1, description="last frames of a sequence taken as peak")
    neutral_frames: int | None = Field(
        None, ge=0, description="first frames taken as neutral; dataset's custom when none"
    )
    unlabelled: bool = Field(False, description="keep frames without an expression")
    duplicates: Literal["keep", "drop", "error"] = Field(
        "keep",
        description="images of equal content; drop keeps one, and none with several expressions",
    )
    words: Words = Field(
        {}, description="word, code or number of the dataset = expression, or none: unlabelled"
    )
    numbers: str | None = Field(
        None, description="scheme of numbers that are labels: fer2013, affectnet, raf-db, ck+, …"
    )
    seed: int = Field(0, ge=0, description="of random splits")
    limit: int | None = Field(None, ge=1, description="only the first frames, for trying")
