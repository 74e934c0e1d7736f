"""Result of ``faceprep classify`` as console tables and as JSON-ready values."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.text import Text

from faceprep.config import Config
from faceprep.core.vocabulary import plural
from faceprep.execution.shard import versions
from faceprep.metrics.accuracy import Gain
from faceprep.metrics.near_duplicates import NearDuplicates
from faceprep.metrics.predictions import confusion
from faceprep.report.numbers import (
    UNDEFINED,
    VOTE,
    ends,
    json_values,
    narrow,
    p_value,
    percent,
    percentage,
    signed,
    with_ends,
)
from faceprep.report.tables.console import Page, Renderables, plain_table
from faceprep.stages.classify.result import ClassifyResult, RowResult
from faceprep.stages.classify.runs import read_result

#: Letters of an expression in the head of a confusion matrix.
_SHORT = 4

#: Letters of column heads that fit a table of 80 columns.
_LETTERS = 48


def accuracy_tables(config: Config, result: ClassifyResult, written: dict[str, str]) -> Page:
    """Return renderables, and the same as JSON-ready values."""
    parts: Renderables = [Text(headline(config, result), "bold"), _accuracies(result)]
    if result.unknown_people:
        parts.insert(1, Text(f"not subject-independent: {result.unknown_people}", "bold yellow"))
    if len(result.rows) > 1:
        parts += [_gains(result), Text(VOTE, "dim")]
    if result.best is not None:
        parts.append(Text(best_line(result)))
    parts += [_confusion(result, one) for one in _shown(result)]
    parts += [Text(line, "dim") for line in _legend(config, result)]
    if result.near is not None:
        parts += [Text(line) for line in near_lines(result.near)]
    parts += [Text(f"note: {note}", "yellow") for note in result.notes]
    parts.append(Text(f"{result.trained} trainings in {result.seconds:.0f} s", "dim"))
    parts.append(Text(f"{result.folder}:"))
    parts.append(Text(f"  {', '.join(Path(path).name for path in written.values())}"))
    return parts, {**accuracy_data(config, result), "files": written}


def plan_tables(config: Config, result: ClassifyResult) -> Page:
    """Return the planned trainings."""
    table = plain_table("would train", "arm", "synthetic", "trainings", "done", right=("done",))
    data = []
    for row in dict.fromkeys(run.row for run in result.runs):
        runs = [run for run in result.runs if run.row == row]
        done = 0 if result.overwrite else sum(read_result(run) is not None for run in runs)
        table.add_row(row.arm, f"{row.synthetic:,}", str(len(runs)), str(done))
        data.append({**asdict(row), "trainings": len(runs), "done": done})
    return [table], {"rows": data, "settings": config.classify.settings()}


def headline(config: Config, result: ClassifyResult) -> str:
    """Count test faces, subjects, folds and seeds; name the network."""
    options, first = config.classify, result.rows[0]
    people = len(np.unique(first.answers.subjects))
    of = "" if result.unknown_people else f" of {plural(people, 'subject')}"
    how = f"{options.folds} folds" if options.folds else "the dataset's split"
    return (
        f"{plural(len(first.answers.labels), 'test face')}{of}, {how},"
        f" {plural(options.seeds, 'seed')}; {len(result.faces.classes)} expressions;"
        f" {options.network} network, {options.updates} updates of {options.batch} faces"
    )


def _accuracies(result: ClassifyResult) -> Any:
    numbers = ("synthetic", "accuracy", "95 %", "balanced", "clips", "seeds' sd")
    table = narrow("Accuracy on test faces (%)", "arm", *numbers, right=numbers)
    for one in result.rows:
        found = one.accuracy
        table.add_row(
            one.row.arm, f"{one.row.synthetic:,}", percentage(found.accuracy.value),
            ends(found.accuracy), percentage(found.balanced.value), percentage(found.clip.value),
            percentage(found.spread),
        )  # fmt: skip
    return table


def _gains(result: ClassifyResult) -> Any:
    numbers = ("N", "gain", "95 %", "balanced", "errors", "p")
    heads = ("arm", "N", "against", *numbers[1:])
    table = narrow(
        "Gain over the row without synthetic faces, percentage points", *heads, right=numbers
    )
    for one in result.rows:
        if one.gain is None or one.against is None:
            continue
        gain = one.gain
        table.add_row(
            one.row.arm, f"{one.row.synthetic:,}", one.against.arm, signed(gain.accuracy.value),
            ends(gain.accuracy, signed), signed(gain.balanced.value),
            percent(gain.error_reduction.value), p_value(gain.mcnemar),
        )  # fmt: skip
    return table


def best_line(result: ClassifyResult) -> str:
    """Compare the best row with synthetic faces with the best without."""
    assert result.best is not None
    this, other, gain = result.best
    return (
        f"best row with synthetic faces ({this.name}) minus best row without ({other.name}):"
        f" {with_ends(gain.accuracy)} points, p {p_value(gain.mcnemar)}."
        " Both were picked as best on the test set, so these numbers are optimistic."
    )


def _shown(result: ClassifyResult) -> list[RowResult]:
    """Return the rows whose confusion is printed: the first, and the best of the others."""
    others = result.rows[1:]
    best = max(others, key=lambda one: one.accuracy.accuracy.value, default=None)
    return [result.rows[0], *([best] if best else [])]


def _confusion(result: ClassifyResult, one: RowResult) -> Any:
    classes = result.faces.classes
    # Names of seven expressions fit 80 columns, those of eight do not.
    heads = tuple(classes if sum(map(len, classes)) <= _LETTERS else (c[:_SHORT] for c in classes))
    table = narrow(f"{one.row.name}: % classified as", "shown", *heads, right=heads)
    for name, counts in zip(classes, confusion(one.answers), strict=True):
        total = counts.sum()
        shares = [f"{100 * count / total:.0f}" if total else UNDEFINED for count in counts]
        table.add_row(name, *shares)
    return table


def _legend(config: Config, result: ClassifyResult) -> list[str]:
    one, unit = ("picture", "pictures") if result.unknown_people else ("person", "people")
    lines = [
        f"95 %: bootstrap interval over the {unit}, for gains with the same draws on both sides;"
        " against: arm of the row without synthetic faces; errors: share of its errors removed"
    ]
    if any(row.accuracy.clip.value >= 0 for row in result.rows):
        lines.append("clips: all frames of a sequence with one expression are classified together")
    counts = sorted({len(done.held_out) for done in result.run_results})
    some = "–".join(str(count) for count in sorted({counts[0], counts[-1]}))
    lines.append(f"Early stopping used {some} held-out {one if some == '1' else unit}.")
    return lines


def near_lines(near: NearDuplicates) -> list[str]:
    """Describe the nearest test faces of synthetic and of training faces."""
    made, own = near.synthetic, near.training
    lines = [
        f"distance to the nearest test face ({near.features}): {made.faces:,} synthetic faces"
        f" {_nearness(made)}; {own.faces:,} training faces {_nearness(own)}",
        f"{near.suspicious} synthetic faces are closer to a test face than any training face is"
        f" (expected by chance: {near.by_chance:.1f})",
    ]
    if near.suspicious:
        lines += [f"  {pair.synthetic} — {pair.test}: {pair.distance:.3f}" for pair in near.closest]
    return lines


def _nearness(near: Any) -> str:
    return (
        f"minimum {near.smallest:.2f}, 1st percentile {near.percentile:.2f}, median"
        f" {near.median:.2f}"
    )


def accuracy_data(config: Config, result: ClassifyResult) -> dict[str, Any]:
    """Return JSON-ready values."""
    rows = []
    for one in result.rows:
        found = one.accuracy
        rows.append(
            {
                **asdict(one.row),
                **{name: asdict(getattr(found, name)) for name in ("accuracy", "balanced", "clip")},
                "by_seed": list(found.by_seed),
                "spread": found.spread,
                "against": None if one.against is None else asdict(one.against),
                "gain": _gain(one.gain),
                "confusion": confusion(one.answers).tolist(),
            }
        )
    best = None
    if result.best is not None:
        this, other, gain = result.best
        best = {"with": asdict(this), "without": asdict(other), "gain": _gain(gain)}
    first = result.rows[0].answers
    data = {
        "kind": "classify",
        "workspace": str(config.workspace),
        "generator": result.generator,
        "classes": list(result.faces.classes),
        "test_faces": len(first.labels),
        "test_subjects": None if result.unknown_people else len(np.unique(first.subjects)),
        "subject_independent": result.unknown_people is None,
        "unknown_people": result.unknown_people,
        "rows": rows,
        "best": best,
        "near_duplicates": None if result.near is None else asdict(result.near),
        "notes": result.notes,
        "settings": config.classify.settings(),
        "made_of": result.made_of,
        "versions": versions(),
    }
    return dict(json_values(data))


def _gain(gain: Gain | None) -> dict[str, Any] | None:
    return None if gain is None else asdict(gain)
