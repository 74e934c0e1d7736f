"""Generators and training run on a machine without detectors, image libraries or a console."""

import subprocess
import sys

_PROGRAM = """
import pkgutil, sys
from importlib import import_module

for name in ("dlib", "cv2", "mtcnn", "pandas", "rich", "typer", "PIL", "joblib", "loky"):
    sys.modules[name] = None
import faceprep.generators, faceprep.training

for package in (faceprep.generators, faceprep.training):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        import_module(module.name)
layers = ("core", "config", "workspace", "training", "generators")
allowed = tuple(f"faceprep.{layer}" for layer in layers)
ours = [m for m in sys.modules if m.startswith("faceprep.") and not m.startswith(allowed)]
assert not ours, ours
print("imported")
"""


def test_lower_layers_and_their_packages_are_enough() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False
    )
    assert done.stdout == "imported\n", done.stderr
