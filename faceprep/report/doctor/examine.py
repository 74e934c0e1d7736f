"""Run all checks of ``faceprep doctor``, and show them as a table.

Packages are looked for without importing them; torch is imported only if it was built for a GPU.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.padding import Padding
from rich.text import Text

from faceprep.config import Config
from faceprep.core.errors import Hint
from faceprep.report.doctor import faces, machine
from faceprep.report.doctor.check import ALL_THERE, Check, exit_code, safely
from faceprep.report.tables.console import Page, Renderables, plain_table


def examine(workspace: Path | None = None, config: Config | None = None) -> list[Check]:
    """Run every check. Never raises.

    `workspace` need not exist and is ``manifests/`` by default. `config` names OpenFace; by default
    it is that of a run in the current folder.
    """
    place = Path("manifests") if workspace is None else workspace
    checks: list[Callable[[], list[Check]]] = [
        machine.python,
        machine.packages,
        machine.opencv,
        machine.torch,
        faces.mtcnn,
        faces.dlib,
        faces.given,
        partial(faces.action_units, config),
        machine.engines,
        machine.video,
        machine.machine,
        partial(machine.disk, place),
    ]
    return [check for look in checks for check in safely(look)]


def doctor_tables(checks: Sequence[Check], spell: Callable[[Hint], str]) -> Page:
    """Return the table of the checks, whose hints `spell` writes as text."""
    style = {"ok": "green", "warning": "yellow", "missing": "red"}
    table = plain_table(None, "", "what", "found")
    hints: Renderables = []
    for check in checks:
        optional = check.state == "missing" and not check.needed
        word = "optional" if optional else check.state
        state = Text(word, "dim" if optional else style[check.state])
        table.add_row(state, check.name, check.detail)
        if check.hint:
            hints.append(f"{check.name}:")
            parts = check.hint if isinstance(check.hint, tuple) else (check.hint,)
            # A command has a line of its own, to be copied.
            hints += [
                Padding(Text(one), (0, 0, 0, 2)) if isinstance(one, str) else f"  → {spell(one)}"
                for one in parts
            ]
    code = exit_code(checks)
    end = "everything needed is there" if code == ALL_THERE else "something needed is missing"
    data = {"exit_code": code, "checks": [_plain(check, spell) for check in checks]}
    return [table, *hints, Text(end, "green" if code == ALL_THERE else "red")], data


def _plain(check: Check, spell: Callable[[Hint], str]) -> dict[str, Any]:
    return {**vars(check), "hint": spell(check.hint) if check.hint else None}
