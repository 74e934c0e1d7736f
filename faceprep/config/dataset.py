"""Settings of ``[demo]`` and ``[select]``."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from faceprep.config.section import LOCATION, Section

Dataset = Literal["oulu-casia", "ck-plus", "celeba", "folder"]


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
    split: Literal["official", "180k-20k", "random"] = "official"
    test_fraction: float = Field(0.2, ge=0, lt=1, description="of the subjects, where random")
    val_fraction: float = Field(0.0, ge=0, lt=1, description="of the subjects, where random")
    folds: int = Field(10, ge=2, le=127)
    peak_frames: int = Field(3, ge=1, description="last frames of a sequence taken as peak")
    neutral_frames: int | None = Field(
        None, ge=0, description="first frames taken as neutral; dataset's custom when none"
    )
    unlabelled: bool = Field(False, description="keep frames without an expression")
    seed: int = Field(0, ge=0, description="of random splits")
    limit: int | None = Field(None, ge=1, description="only the first frames, for trying")
