"""Table of ``faceprep doctor``."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from faceprep.core.errors import Hint
from faceprep.report.doctor.check import ALL_THERE, Check, exit_code
from faceprep.report.tables.console import plain_table

if TYPE_CHECKING:
    from rich.console import RenderableType


def doctor_tables(
    checks: Sequence[Check], spell: Callable[[Hint], str]
) -> "tuple[list[RenderableType], dict[str, Any]]":
    """Return renderables, and the same as JSON-ready values.

    Parameters
    ----------
    spell
        Function that writes a hint as text.
    """
    from rich.markup import escape
    from rich.text import Text

    style = {"ok": "green", "warning": "yellow", "missing": "red"}
    table = plain_table(None, "", "what", "found, and what to type for the rest")
    table.columns[-1].overflow = "fold"  # a cut command cannot be used
    for check in checks:
        optional = check.state == "missing" and not check.needed
        word = "optional" if optional else check.state
        hint = f"\n[bold]→ {escape(spell(check.hint))}[/]" if check.hint else ""
        table.add_row(
            f"[{'dim' if optional else style[check.state]}]{word}[/]",
            check.name,
            escape(check.detail) + hint,
        )
    code = exit_code(checks)
    end = "everything needed is there" if code == ALL_THERE else "something needed is missing"
    data = {"exit_code": code, "checks": [_plain(check, spell) for check in checks]}
    return [table, Text(end, "green" if code == ALL_THERE else "red")], data


def _plain(check: Check, spell: Callable[[Hint], str]) -> dict[str, Any]:
    return {**vars(check), "hint": spell(check.hint) if check.hint else None}
