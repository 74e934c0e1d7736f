"""Write the command line of a `Remedy`; one module per verb that repeats recorded settings."""

from faceprep.cli.remedies.spelling import spell

__all__ = ["spell"]
