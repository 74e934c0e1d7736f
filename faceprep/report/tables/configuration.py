"""Table of ``faceprep config show``: every key, its value and its source."""

from typing import TYPE_CHECKING, Any

from faceprep.config.sources import Resolved, flatten
from faceprep.report.tables.console import plain_table

if TYPE_CHECKING:
    from rich.console import RenderableType


def config_table(resolved: Resolved) -> "tuple[list[RenderableType], dict[str, Any]]":
    """Return renderables, and the same as JSON-ready values."""
    table = plain_table(None, "key", "value", "source")
    data = {}
    values = flatten(resolved.config.model_dump())
    for key, source in resolved.sources.items():
        value = values.get(key)
        shown = "" if value is None else str(value)
        style = "dim" if source == "default" else None
        table.add_row(key, shown, source, style=style)
        data[key] = {"value": value, "source": source}
    return [table], data
