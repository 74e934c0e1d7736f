"""Tables of ``config show`` and ``config explain``."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich.text import Text

from faceprep.config.keys import Key, keys_of
from faceprep.config.section import spelled
from faceprep.config.sources import Resolved, flatten
from faceprep.core.errors import Again, Remedy, UsageError
from faceprep.core.vocabulary import nearest
from faceprep.report.tables.console import Page, Renderables, plain_table

_NONE = "none"

#: A longer source has a column that is broken, so that values have space.
_LONG_SOURCE = 36


def config_table(resolved: Resolved) -> Page:
    """Return every key with its value and source, and the same as JSON-ready values."""
    table = plain_table(None, "key", "value", "source")
    data = {}
    values = flatten(resolved.config.model_dump())
    for key, source in resolved.sources.items():
        value = values.get(key)
        shown = "" if value is None else _text(value)
        style = "dim" if source == "default" else None
        table.add_row(key, shown, source, style=style)
        data[key] = {"value": value, "source": source}
    # Keys and variables are copied, so they are not broken.
    table.padding = (0, 0, 0, 1)
    table.columns[0].no_wrap = True
    table.columns[2].no_wrap = max(map(len, resolved.sources.values())) <= _LONG_SOURCE
    return [table], data


def explanation(name: str, resolved: Resolved, flags: Mapping[str, str]) -> Page:
    """Return meaning, choices, default, value and source of a key, or of all keys of a section.

    Parameters
    ----------
    name
        Dotted key, ``train.weights.q`` of a table of numbers, or section.
    flags
        Key → flag of its own that sets it.

    Raises
    ------
    UsageError
        There is no such key; the hint names the nearest one.
    """
    found = keys_of(name)
    if not found:
        near = nearest(name, resolved.sources)
        every = Remedy("config show", note="lists every key with its value")
        raise UsageError(f"no key {name}", Again(arguments={name: near}) if near else every)
    parts: Renderables = []
    values = flatten(resolved.config.model_dump())
    data = {}
    for key in found:
        name = name if len(found) == 1 else key.name
        source = resolved.sources.get(name, resolved.sources.get(key.name, "default"))
        value = values.get(name, values.get(key.name))
        table = plain_table(None, name, "")
        table.columns[1].overflow = "fold"
        for word, text in _rows(key, value, source):
            table.add_row(word, Text(text))
        table.add_row("set it", Text("\n".join(_ways(key, name, flags))))
        parts.append(table)
        data[name] = {**asdict(key), "name": name, "value": value, "source": source}
    return parts, data


def _rows(key: Key, value: Any, source: str) -> list[tuple[str, str]]:
    rows = [("meaning", key.meaning)]
    named = [choice for choice in key.choices if choice != _NONE]
    if named:
        rows.append(("choices", ", ".join(key.choices)))
    if key.limits:
        rows.append(("limits", key.limits + ("" if named or not key.choices else ", or none")))
    return [*rows, ("default", _text(key.default)), ("value", f"{_text(value)}   (from {source})")]


def _ways(key: Key, name: str, flags: Mapping[str, str]) -> list[str]:
    """Return the ways to set a key: flag, variable, line of a pipeline file."""
    value = next((choice for choice in key.choices if choice != _text(key.default)), "…")
    ways = [f"{flags[name]} {value}"] if name in flags else []
    section, _, last = name.rpartition(".")
    quoted = value if value in ("true", "false") or value.isdecimal() else f'"{value}"'
    quoted = "…" if value == "…" else quoted
    ways.append(f"--set {name}={value}")
    if name == key.name:
        ways.append(f"{key.variable}={value}")
    if value != _NONE:
        where = f"[{section}]  " if section else ""
        ways.append(f"{where}{last} = {quoted}   (in faceprep.toml, or the file of -c)")
    return ways


def _text(value: Any) -> str:
    if value is None:
        return _NONE
    if value in ({}, ()):
        return "empty"
    return spelled(value) if isinstance(value, bool | int | float | str | tuple) else str(value)
