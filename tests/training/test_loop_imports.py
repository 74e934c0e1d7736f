"""Generators and training run where there is torch, NumPy and safetensors, and nothing else."""

import subprocess
import sys

_PROGRAM = """
import pkgutil, sys
from importlib import import_module

for name in ("dlib", "cv2", "pydantic", "pandas", "pyarrow", "rich", "typer", "PIL", "joblib"):
    sys.modules[name] = None
import faceprep.generators, faceprep.training

for package in (faceprep.generators, faceprep.training):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        import_module(module.name)
# The workspace gives the names of files.
allowed = ("faceprep.core", "faceprep.generators", "faceprep.training", "faceprep.workspace")
ours = [m for m in sys.modules if m.startswith("faceprep.") and not m.startswith(allowed)]
assert not ours, ours
print("imported")
"""


def test_nothing_but_torch_numpy_and_safetensors() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False
    )
    assert done.stdout == "imported\n", done.stderr
