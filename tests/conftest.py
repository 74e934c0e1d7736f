"""What every test may ask for."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real photographs and peers' outputs; the test skips where there is none.

    ``SHARED_FACES`` names another place than ``../shared`` beside the checkout.
    """
    folder = Path(os.environ.get("SHARED_FACES", ROOT.parent / "shared"))
    if not (folder / "faces" / "labels.csv").is_file():
        pytest.skip(f"no shared photographs in {folder} (set SHARED_FACES)")
    return folder
