"""Run all checks of ``faceprep doctor``.

Packages are looked for without importing them; torch is imported only if it was built for a GPU.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from faceprep.config import Config
from faceprep.report.doctor import faces, machine, software
from faceprep.report.doctor.check import Check, safely


def examine(workspace: Path | None = None, config: Config | None = None) -> list[Check]:
    """Run every check. Never raises.

    Parameters
    ----------
    workspace
        Output folder, which need not exist; ``manifests/`` if None.
    config
        Configuration that names OpenFace; None for that of a run in the current folder.
    """
    place = Path("manifests") if workspace is None else workspace
    checks: list[Callable[[], list[Check]]] = [
        software.python,
        software.packages,
        software.opencv,
        software.torch,
        faces.mtcnn,
        faces.dlib,
        faces.given,
        partial(faces.action_units, config),
        software.engines,
        machine.machine,
        partial(machine.disk, place),
    ]
    return [check for look in checks for check in safely(look)]
