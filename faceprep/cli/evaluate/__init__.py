"""The verbs that measure results, one module each; `group` has their shared parts."""

# Each module adds its verb to the group when it is imported; this is their order in the help.
from faceprep.cli.evaluate import aus, edits, codes  # noqa: F401, I001
