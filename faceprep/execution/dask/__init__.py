"""Run shards on a Dask cluster."""

from faceprep.execution.dask.engine import run

__all__ = ["run"]
