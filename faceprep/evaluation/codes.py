"""Measure identity and expression in a generator's codes g(x) and Q(x, y).

The measure is the share of nearest neighbours with the same subject or expression (Ding et al.,
2018, Fig. 6). Neighbours of an identity code should show the same subject, independent of the
expression.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.manifold import TSNE

from faceprep.core.errors import Again, Remedy, UsageError
from faceprep.metrics.identity import all_distances
from faceprep.metrics.leaks import refuse_leak
from faceprep.metrics.representation import expression_codes, identities
from faceprep.metrics.workspace_faces import in_turns, labelled_rows, read_faces, rows_of_split
from faceprep.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from faceprep.generators.base import HasExpressionCode

NEIGHBOURS = 5

#: Largest number of compared faces.
MOST_FACES = 2000

#: Names of the spaces.
IDENTITY, EXPRESSION, PIXELS = "identity g(x)", "expression Q(x, y)", "pixels"


@dataclass(frozen=True, slots=True)
class Purity:
    """Purity of the neighbourhoods in one space."""

    space: str
    #: Share of a face's nearest neighbours that show the same subject, without near duplicates from
    #: the same sequence.
    identity: float
    expression: float  # share that show the same expression, among faces of other subjects


@dataclass(frozen=True)
class CodesReport:
    """Purity of every space, and the identity codes ``g (N, G)`` of the faces.

    `sees_label` tells whether the label is an input of Q, so that its code repeats it; None if
    unknown. The chances are the purities of random neighbours.
    """

    generator: str
    neighbours: int
    rows: list[Purity]
    identity_chance: float
    expression_chance: float
    sees_label: bool | None
    g: np.ndarray
    subjects: np.ndarray
    expressions: np.ndarray


def evaluate_codes(
    model: "HasExpressionCode",
    workspace: Workspace,
    *,
    split: str = "test",
    neighbours: int = NEIGHBOURS,
    device: str = "cpu",
    seed: int = 0,
    name: str = "generator",
    trained_on: Collection[str] = (),
) -> CodesReport:
    """Measure the codes of subjects that a generator was not trained on.

    Parameters
    ----------
    split
        Side of the split: ``test``, or ``val`` while variants are compared.
    neighbours
        Number k of neighbours.
    seed
        Seed of the choice among more than `MOST_FACES`.
    name
        Name of the generator for the report.
    trained_on
        Training subjects of the generator.

    Raises
    ------
    UsageError
        The split is invalid, the generator was trained on one of its subjects, or it has fewer
        than three faces.
    """
    if split not in ("test", "val"):
        raise UsageError(
            f"codes are evaluated on unseen people, not on {split!r}", Again({"split": "test"})
        )
    table = labelled_rows(workspace, model.classes)
    rows = rows_of_split(workspace, table, split, model.classes)
    rows = rows.iloc[in_turns(rows["subject"].to_numpy(str), seed)[:MOST_FACES]]
    if len(rows) < 3:
        counts = Remedy("show", workspace.root, note="counts them")
        raise UsageError(f"{len(rows)} faces are too few to have neighbours", counts)
    faces = read_faces(workspace, rows, model.size)
    refuse_leak(trained_on, faces.subjects.tolist(), "the generator")
    g = identities(model, faces.images, device)
    spaces = {
        IDENTITY: g,
        EXPRESSION: expression_codes(model, faces.images, faces.expressions.tolist(), device),
        PIXELS: faces.images.reshape(len(faces), -1) / 255,
    }
    same_person = faces.subjects[:, None] == faces.subjects[None]
    same_expression = faces.expressions[:, None] == faces.expressions[None]
    sequences = sequences_of(rows)
    elsewhere = sequences[:, None] != sequences[None]
    found = []
    for space, points in spaces.items():
        far = all_distances(points, points)
        identity, _ = purity(far, same_person, elsewhere, neighbours)
        expression, _ = purity(far, same_expression, ~same_person, neighbours)
        found.append(Purity(space, identity, expression))
    config = getattr(model, "config", None)
    return CodesReport(
        generator=name,
        neighbours=neighbours,
        rows=found,
        identity_chance=purity(None, same_person, elsewhere, neighbours)[1],
        expression_chance=purity(None, same_expression, ~same_person, neighbours)[1],
        sees_label=getattr(config, "q_sees_label", None),
        g=g,
        subjects=faces.subjects,
        expressions=faces.expressions,
    )


def sequences_of(rows: "pd.DataFrame") -> np.ndarray:
    """Return the sequence name of every face; each still is its own sequence."""
    people = rows["dataset"] + "/" + rows["subject"] + "/"
    return (people + rows["sequence"]).fillna(rows.index.to_series()).to_numpy(str)


def purity(
    far: np.ndarray | None, same: np.ndarray, allowed: np.ndarray, k: int
) -> tuple[float, float]:
    """Return the share of nearest neighbours with the same label, and its expected value by chance.

    Both are means over the faces whose label occurs again; NaN without any.

    Parameters
    ----------
    far : (N, N)
        Distances; None to compute the chance only.
    same, allowed : (N, N) bool
        Pairs with the same label, and pairs that may be neighbours.
    k
        Number of neighbours; fewer for a face with fewer faces of its own label.
    """
    own = (same & allowed).sum(axis=1)
    faces = np.flatnonzero(own)
    if not len(faces):
        return np.nan, np.nan
    chance = float((own[faces] / allowed[faces].sum(axis=1)).mean())
    if far is None:
        return np.nan, chance
    order = np.argsort(np.where(allowed, far, np.inf), axis=1, kind="stable")
    shares = [same[row, order[row, : min(k, own[row])]].mean() for row in faces]
    return float(np.mean(shares)), chance


def project(points: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return a t-SNE ``(N, 2)`` of points ``(N, D)``: perplexity 30 if N allows it, PCA start."""
    perplexity = min(30.0, (len(points) - 1) / 3)
    made = TSNE(2, perplexity=perplexity, init="pca", random_state=seed, n_jobs=1)
    return np.asarray(made.fit_transform(points.astype(np.float32)))
