"""Print the result of a verb: tables for people, JSON for programs."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from faceprep.cli.remedies import spell
from faceprep.core.errors import Remedy

if TYPE_CHECKING:
    from rich.console import RenderableType


def print_result(
    renderables: "Sequence[RenderableType]", data: dict[str, Any], *, as_json: bool
) -> None:
    """Print the renderables, or the data with each `Remedy` as a command line, on stdout."""
    if as_json:
        print(json.dumps(data, indent=1, default=_plain, ensure_ascii=False))
        return
    from rich.console import Console

    console = Console(soft_wrap=False)
    for renderable in renderables:
        console.print(renderable)


def _plain(value: object) -> str:
    return spell(value) if isinstance(value, Remedy) else str(value)
