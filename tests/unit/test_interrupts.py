"""Interrupts wait for the end of a block, and are not lost."""

import os
import signal
import threading

import pytest

from glue.interrupts import held_back


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_comes_after_the_block(number: signal.Signals) -> None:
    done = []

    def work() -> None:
        with held_back():
            os.kill(os.getpid(), number)
            done.append("work")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["work"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_an_interrupt_nothing_happens() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with held_back():
        pass
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_error_in_the_block_is_raised_as_it_is() -> None:
    with pytest.raises(RuntimeError), held_back():
        raise RuntimeError


def test_other_threads_are_left_alone() -> None:
    passed = []

    def work() -> None:
        with held_back():
            passed.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert passed == [True]
