"""Threads of numerical libraries."""

import os
import subprocess
import sys

import pytest

from faceprep.core.threads import wait_without_spinning


@pytest.mark.parametrize(("given", "used"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_a_policy_of_the_user_is_kept(
    given: str | None, used: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    if given is not None:
        monkeypatch.setenv("OMP_WAIT_POLICY", given)
    wait_without_spinning()
    assert os.environ["OMP_WAIT_POLICY"] == used


def test_the_command_line_sets_it_before_torch_is_imported() -> None:
    code = (
        "import os, sys, faceprep.cli;print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"
    )
    env = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    printed = subprocess.check_output([sys.executable, "-c", code], env=env, text=True)
    assert printed.split() == ["PASSIVE", "False"]
