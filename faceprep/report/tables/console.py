"""Plain tables for a terminal."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

Renderable: TypeAlias = "RenderableType"
Renderables: TypeAlias = "list[RenderableType]"

#: Renderables, and the same as JSON-ready values.
Page: TypeAlias = "tuple[list[RenderableType], dict[str, Any]]"


def as_text(renderables: "Sequence[RenderableType]", width: int = 100) -> str:
    """Render for a terminal with `width` columns."""
    from rich.console import Console

    text = io.StringIO()
    console = Console(file=text, width=width)
    for renderable in renderables:
        console.print(renderable, markup=False)  # brackets in a path are no markup
    return text.getvalue().rstrip("\n")


@dataclass(frozen=True)
class Heading:
    """Title of a table; it may be wider than the table, and brackets are no markup."""

    text: str

    def __rich_console__(
        self, console: "Console", options: "ConsoleOptions"
    ) -> "Iterable[Segment]":
        from rich.text import Text

        yield from console.render(Text(self.text, "bold"), console.options)


def plain_table(title: str | None, *columns: str, right: tuple[str, ...] = ()) -> Any:
    """Return an empty rich table without borders; columns in ``right`` are aligned right."""
    from rich import box
    from rich.table import Table

    heading: Any = None if title is None else Heading(title)
    table = Table(title=heading, box=box.SIMPLE_HEAD, title_justify="left")
    for column in columns:
        # A word that is too long is broken, not cut: paths can be copied at any width.
        justify: Literal["left", "right"] = "right" if column in right else "left"
        table.add_column(column, justify=justify, overflow="fold")
    return table
