from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from training.read_ahead import read_ahead, side_by_side


def test_items_come_in_order_one_ahead_and_no_more():
    made = []

    def items() -> Iterator[int]:
        for number in range(4):
            made.append(number)
            yield number

    seen = []
    for number in read_ahead(items()):
        seen.append(number)
        assert len(made) <= number + 2
    assert seen == [0, 1, 2, 3]
    assert list(read_ahead(iter(()))) == []


def test_an_error_comes_after_the_items_before_it():
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    coming = read_ahead(items())
    assert next(coming) == 1
    with pytest.raises(ValueError, match="no more"):
        next(coming)


def test_work_is_done_side_by_side_and_comes_back_in_order():
    both_began = threading.Barrier(2, timeout=10)

    def work(number: int) -> int:
        both_began.wait()
        return number

    assert list(side_by_side((lambda n=n: work(n) for n in range(6)), 2)) == [0, 1, 2, 3, 4, 5]


def test_work_that_had_not_begun_when_another_failed_is_left():
    begun, first_failed = [], threading.Event()

    def work(number: int) -> int:
        begun.append(number)
        if number == 0:
            raise ValueError("broken")
        first_failed.wait(10)
        return number

    coming = side_by_side((lambda n=n: work(n) for n in range(100)), 2)
    threading.Timer(0.2, first_failed.set).start()
    with pytest.raises(ValueError, match="broken"):
        next(coming)
    assert len(begun) <= 4
