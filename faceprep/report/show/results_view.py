"""Pages of the results of ``train``, ``augment`` and ``classify``."""

import math
from pathlib import Path
from typing import Any

from rich.text import Text

from faceprep.core.vocabulary import plural
from faceprep.metrics.accuracy import Interval
from faceprep.report.numbers import (
    PICKED,
    VOTE,
    ends,
    narrow,
    p_value,
    percentage,
    signed,
    with_ends,
)
from faceprep.report.show.formats import STATE_STYLE, age, line
from faceprep.report.show.stage_view import versions_lines
from faceprep.report.tables.console import Renderable, Renderables, plain_table
from faceprep.report.tables.generator import faces_table


def results_view(data: dict[str, Any]) -> Renderables:
    """Return the renderables of the results of ``train``, ``augment`` or ``classify``."""
    parts: Renderables = [line((data["verb"], "bold"), (f"   {data['workspace']}", "dim"))]
    parts.append(results_table(data["generated"]))
    for one in data["generated"]:
        if data["verb"] == "train":
            parts += training_view(one, one["history"])
        elif data["verb"] == "augment":
            parts += synthetic_view(one, one["first_rows"])
        else:
            parts += accuracy_view(one)
    return [*parts, *versions_lines(data["generated"])]


def results_table(generated: list[dict[str, Any]]) -> Renderable:
    """Return progress of trainings, synthetic faces and accuracies, one row each."""
    table = plain_table(None, "made", "state", "done", "contents", "changed", right=("done",))
    table.columns[0].no_wrap = True  # names of folds differ at their ends
    for one in generated:
        done, contents = _contents(one)
        state = Text(one["state"], STATE_STYLE[one["state"]])
        table.add_row(one["stage"], state, done, contents, age(one["age_seconds"]))
    return table


def _contents(one: dict[str, Any]) -> tuple[str, str]:
    """Return progress and a short description of one result."""
    words: list[Any]
    if "steps" in one:
        done = steps_in_words(one["steps"])
        words = [one["preset"], one["size"] and f"{one['size']} px"]
    elif "shards" in one:
        done = f"{one['done']}/{one['shards']} shards"
        counts = ", ".join(f"{word} {rows:,}" for word, rows in one["status"].items())
        words = [counts, one["mode"] and f"mode {one['mode']}", one["why"]]
    else:
        done = plural(len(one["rows"]), "row") if one["rows"] else ""
        words = [best_gain(one) or plural(one["trainings"], "training"), one["why"]]
    return done, ", ".join(str(word) for word in words if word)


def best_gain(one: dict[str, Any]) -> str | None:
    """Return the largest gain from synthetic faces within one arm; None without synthetic faces.

    ``best gain flips 75.9 → 80.0 %, 5,600 faces, +4.1 [-2.9 … +10.9]``, or, if no row improves,
    ``no gain: at best flips 75.9 → 66.5 %, 5,600 faces, -9.4 [-15.0 … -3.1]``.
    """
    gains = [
        (_interval(row["gain"]["accuracy"]), row)
        for row in one["rows"]
        if row["synthetic"] and row["gain"]
    ]
    gains = [pair for pair in gains if not math.isnan(pair[0].value)]
    if not gains:
        return None
    gain, row = max(gains, key=lambda pair: pair[0].value)
    after = _interval(row["accuracy"]).value
    before = percentage(after - gain.value)
    word = (
        "best gain" if signed(gain.value).startswith("+") and gain.value > 0 else "no gain: at best"
    )
    return (
        f"{word} {row['arm']} {before} → {percentage(after)} %, {row['synthetic']:,} faces,"
        f" {with_ends(gain)}"
    )


def steps_in_words(steps: "tuple[int, int | None] | None") -> str:
    """Return ``900 of 900 steps``; the total is unknown until a training first stops."""
    if steps is None:
        return "not begun"
    done, whole = steps
    return f"{done} steps" if whole is None else f"{done} of {whole} steps"


def training_view(one: dict[str, Any], history: dict[str, Any]) -> Renderables:
    """Return plan and progress of a training, and the end of its history."""
    table = plain_table(None, one["stage"], "")
    table.add_row("steps", steps_in_words(one["steps"]))
    if one["preset"]:
        table.add_row("generator", f"preset {one['preset']}, {one['size']} pixels")
        faces = ", ".join(f"{name} {count}" for name, count in one["faces"].items())
        total = sum(one["faces"].values())
        table.add_row("faces", f"{total:,} of {one['people']:,} people: {faces}")
    if one["seconds"]:
        speed = f", {one['images_per_second']:.1f} images/s" if one["images_per_second"] else ""
        table.add_row("took", f"{one['seconds']:,.0f} s{speed}")
    for message in one["findings"].values():
        table.add_row("warning", Text(str(message)), style="yellow")
    table.add_row("files", _files(one))
    if not history["last"]:
        return [table]
    heads = [f"step {row['step']}" for row in history["last"]]
    mean = f"mean of {history['steps']}"
    losses = plain_table("end of the history", "", *heads, mean, right=(*heads, mean))
    for name, value in history["mean"].items():
        if name != "seconds" and value is not None:
            losses.add_row(name, *(_short(row[name]) for row in history["last"]), _short(value))
    return [table, losses]


def synthetic_view(one: dict[str, Any], rows: list[dict[str, Any]]) -> Renderables:
    """Return synthetic faces by expression, and the first rows of their manifest."""
    parts: Renderables = []
    counted = sum(one["faces"].values())
    if one["faces"] and (one["state"] != "done" or counted != one["rows"]):
        parts.append(Text(f"as of the last finished run, {counted:,} faces:", "yellow"))
    if one["faces"]:
        parts.append(faces_table(one["faces"], one["rejected"], one["doubtful"]))
    if one["source_people"]:
        modes = ", ".join(f"{mode} {count:,}" for mode, count in one["modes"].items())
        parts.append(f"{modes}; edited from faces of {one['source_people']:,} people")
    if rows:
        heads = ("index", "expression", "mode", "intensity", "source", "status")
        first = plain_table("first rows", *heads, right=("index", "intensity"))
        for row in rows:
            first.add_row(
                str(row["index"]), row["expression"], row["mode"], f"{row['intensity']:.2f}",
                Text(row["source_face_id"] or ""), row["status"],
            )  # fmt: skip
        parts.append(first)
    return parts


def accuracy_view(one: dict[str, Any]) -> Renderables:
    """Return the accuracy table of the last ``classify``, and its files."""
    if not one["rows"]:
        done = plural(one["trainings"], "training")
        return [f"{done} finished, no table yet; repeat the classify command to continue"]
    unknown = one.get("unknown_people")
    people = "" if unknown else f" of {plural(one['test_subjects'], 'subject')}"
    heads = ("synthetic", "accuracy", "95 %", "gain", "its 95 %", "p")
    title = f"Accuracy on {plural(one['test_faces'], 'test face')}{people} (%)"
    table = narrow(title, "arm", *heads, right=heads)
    for row in one["rows"]:
        accuracy = _interval(row["accuracy"])
        words = [percentage(accuracy.value), ends(accuracy)]
        if row["gain"]:
            gain = _interval(row["gain"]["accuracy"])
            words += [signed(gain.value), ends(gain, signed), p_value(row["gain"]["mcnemar"])]
        table.add_row(row["arm"], f"{row['synthetic']:,}", *words)
    parts: Renderables = [table, Text(VOTE, "dim")]
    if unknown:
        parts.insert(0, Text(f"not subject-independent: {unknown}", "yellow"))
    if one["why"]:
        parts.insert(0, Text(f"out of date: {one['why']}", "yellow"))
    best = best_gain(one)
    if best:
        parts.append(Text(f"{best}; {PICKED}"))
    if one["best"]:
        parts.append(Text(_across(one["best"])))
    parts += [Text(f"note: {note}", "yellow") for note in one["notes"]]
    return [*parts, _files(one)]


def _across(best: dict[str, Any]) -> str:
    """Compare the best row with synthetic faces to the best without, over all arms."""
    with_some, without = best["with"], best["without"]
    gain = signed(_number(best["gain"]["accuracy"]["value"]))
    return (
        f"best row with synthetic faces ({with_some['arm']}, {with_some['synthetic']:,}) minus best"
        f" row without ({without['arm']}): {gain} points"
    )


def _files(one: dict[str, Any]) -> Renderable:
    names = ", ".join(Path(file).name for file in one["files"])
    return Text(f"{Path(one['files'][0]).parent}: {names}" if names else "")


def _interval(values: dict[str, Any]) -> Interval:
    return Interval(*(_number(values[name]) for name in ("value", "low", "high")))


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
