"""The hints of tables, evaluations and reports work when they are typed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from builders.hint_cases.results import TRIALS
from builders.hint_trials import faults_of


@pytest.mark.parametrize("part", TRIALS)
def test_commands_of_hints_work(part: str, fresh: Callable[[], Path]) -> None:
    assert not faults_of(part, TRIALS[part], fresh)
