"""Tables and texts in the signs of an encoding such as ASCII.

The spelling of a sign may be longer (``->`` for an arrow). It is written before columns and lines
are measured.
"""

import copy
from collections.abc import Callable
from typing import Any

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Span, Text

from faceprep.report.tables.console import Heading


def in_signs_of(renderable: Any, spell: Callable[[str], str]) -> Any:
    """Return a renderable whose texts are spelled by `spell`."""
    if isinstance(renderable, str):
        return spell(renderable)
    if isinstance(renderable, Text):
        return _text(renderable, spell)
    if isinstance(renderable, Table):
        return _table(renderable, spell)
    if isinstance(renderable, Heading):
        return Heading(spell(renderable.text))
    if isinstance(renderable, Group):
        return Group(*(in_signs_of(part, spell) for part in renderable.renderables))
    if isinstance(renderable, Padding):
        renderable.renderable = in_signs_of(renderable.renderable, spell)
    return renderable


def _text(text: Text, spell: Callable[[str], str]) -> Text:
    new = text.copy()
    new.plain = spell(text.plain)
    new.spans = [
        Span(len(spell(text.plain[:start])), len(spell(text.plain[:end])), style)
        for start, end, style in text.spans
    ]
    return new


def _table(table: Table, spell: Callable[[str], str]) -> Table:
    new = copy.copy(table)
    new.title = in_signs_of(table.title, spell)
    new.rows, new.columns = [], [column.copy() for column in table.columns]
    for column in new.columns:
        column.header = in_signs_of(column.header, spell)
    cells = zip(*(column.cells for column in table.columns), strict=True)
    for row, words in zip(table.rows, cells, strict=True):
        spelled = (in_signs_of(word, spell) for word in words)
        new.add_row(*spelled, style=row.style, end_section=row.end_section)
    return new
