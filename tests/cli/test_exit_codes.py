"""Results are printed as tables or as JSON."""

import json
from pathlib import Path

import pytest

from faceprep.cli.exit_codes import print_result
from faceprep.core.errors import Remedy


def test_json_holds_commands_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    data = {"next": Remedy("align", Path("ws")), "folder": Path("ws")}
    print_result(["a table"], data, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found == {"next": "faceprep align --workspace ws", "folder": "ws"}
    print_result(["a table"], data, as_json=False)
    assert capsys.readouterr().out == "a table\n"
