"""Keep the expression classifier of a workspace, so that it is trained once.

    <workspace>/judges/<key>.npz     key: hash of the training faces, the settings and the versions

A file that is missing or damaged is written again after the next training.
"""

import contextlib
import zipfile
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from faceprep.core.files import atomic_write, digest
from faceprep.core.progress import Progress
from faceprep.execution.shard import versions
from faceprep.metrics.expression_classifier.landmark_classifier import SETTINGS, LandmarkClassifier
from faceprep.metrics.workspace_faces import read_faces, template_of
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import judge_file

if TYPE_CHECKING:
    import pandas as pd

#: Columns of the training faces that affect the classifier.
_COLUMNS = ("dataset", "subject", "expression", "crop_sha256")


def kept_classifier(
    workspace: Workspace,
    rows: "pd.DataFrame",
    classes: Sequence[str],
    size: int,
    progress: Progress | None = None,
) -> LandmarkClassifier:
    """Return the classifier of some training faces: that of an earlier command, or a new one.

    Parameters
    ----------
    rows
        Training faces, from `labelled_rows`.
    classes
        Expressions to learn.
    size
        Side of the faces, pixels.
    progress
        Receiver of a message before a training.

    Raises
    ------
    UsageError
        A class has no training face.
    MissingToolError
        Landmarks cannot be found here.
    """
    key = digest(
        {
            "faces": [rows.index.tolist(), *(rows[name].tolist() for name in _COLUMNS)],
            "classes": list(classes),
            "size": size,
            "template": template_of(workspace),
            "settings": SETTINGS,
            "versions": versions(),
        }
    )
    path = judge_file(workspace.root, key)
    with (
        contextlib.suppress(OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile),
        np.load(path, allow_pickle=False) as arrays,
    ):
        return LandmarkClassifier.from_arrays(dict(arrays))
    if progress is not None:
        progress.say(f"training a classifier of expressions on {len(rows):,} faces; kept in {path}")
    judge = LandmarkClassifier.fit(read_faces(workspace, rows, size), classes)
    with contextlib.suppress(OSError):  # a workspace that cannot be written, or a full disk
        path.parent.mkdir(exist_ok=True)
        with atomic_write(path) as temporary, temporary.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **judge.to_arrays())
    return judge
