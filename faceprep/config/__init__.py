"""Settings of ``pipelines/*.toml``: one class per section, with its defaults and limits."""

from faceprep.config.classify import ClassifyConfig
from faceprep.config.cluster import DaskConfig, SlurmConfig, SlurmJobConfig, SlurmTrainConfig
from faceprep.config.dataset import DemoConfig, SelectConfig
from faceprep.config.faces import AlignConfig, AusConfig, HeatmapsConfig
from faceprep.config.pipeline import Config
from faceprep.config.train import AugmentConfig, TrainConfig
from faceprep.core.vocabulary import STAGES

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
