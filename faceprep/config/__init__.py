"""Settings of ``pipelines/*.toml``: one class per section, with its defaults."""

from faceprep.config.augment import AugmentConfig
from faceprep.config.classify import ClassifyConfig
from faceprep.config.pipeline import (
    STAGES,
    AlignConfig,
    AusConfig,
    Config,
    DaskConfig,
    DemoConfig,
    HeatmapsConfig,
    SelectConfig,
    SlurmConfig,
    SlurmJobConfig,
    SlurmTrainConfig,
    TrainConfig,
)

__all__ = [
    "STAGES",
    "AlignConfig",
    "AugmentConfig",
    "AusConfig",
    "ClassifyConfig",
    "Config",
    "DaskConfig",
    "DemoConfig",
    "HeatmapsConfig",
    "SelectConfig",
    "SlurmConfig",
    "SlurmJobConfig",
    "SlurmTrainConfig",
    "TrainConfig",
]
