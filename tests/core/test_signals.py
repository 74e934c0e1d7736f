"""SIGTERM and SIGHUP interrupt like Ctrl-C, once."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from faceprep.core.signals import Interruption


@pytest.fixture(autouse=True)
def no_signal_is_ignored() -> Iterator[None]:
    """The tests may have been started by nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_is_an_interrupt_with_its_own_code(name: str, code: int) -> None:
    number = getattr(signal, name)
    with Interruption() as interruption:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
        os.kill(os.getpid(), signal.SIGTERM)  # while workers are ended: ignored
        assert (interruption.name, interruption.exit_code) == (name, code)
    assert signal.getsignal(number) == signal.SIG_DFL


def test_without_a_signal_it_is_the_key() -> None:
    with Interruption() as interruption:
        pass
    assert (interruption.name, interruption.exit_code) == ("SIGINT", 130)


def test_nohup_is_respected() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruption():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_in_a_thread_nothing_is_changed() -> None:
    def work() -> None:
        with Interruption():
            pass

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
