from __future__ import annotations

from collections.abc import Iterator

import pytest

from training.read_ahead import read_ahead


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
