"""Threads of numerical libraries."""

import os

#: Variable that libgomp and other OpenMP libraries read when they are loaded.
_POLICY = "OMP_WAIT_POLICY"


def wait_without_spinning() -> None:
    """Let OpenMP threads sleep while they wait for one another; call it before torch is imported.

    Threads that spin take the cores from the threads they wait for: with another busy process on
    two cores, a training of two threads is ten times slower. A value set by the user is kept.
    """
    os.environ.setdefault(_POLICY, "PASSIVE")
