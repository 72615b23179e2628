"""No minor unit is lost or made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.errors import MoneyError
from marketplace.money import DECIMALS, divide, format_money, parse_money

WEIGHTS = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=3), st.integers(0, 10**6), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [(1999, "EUR", "19.99 EUR"), (-5, "USD", "-0.05 USD"), (500, "JPY", "500 JPY"), (1, "KWD", "0.001 KWD")],
)
def test_amounts_are_written_as_people_write_them(amount: int, currency: str, text: str) -> None:
    assert format_money(amount, currency) == text
    assert parse_money(text) == (amount, currency)


@given(st.integers(-(10**15), 10**15), st.sampled_from(sorted(DECIMALS)))
def test_what_is_written_is_read_back(amount: int, currency: str) -> None:
    assert parse_money(format_money(amount, currency)) == (amount, currency)


@pytest.mark.parametrize(
    "text", ["19.9 EUR", "19.999 EUR", "5.0 JPY", "1,000.00 USD", "ten EUR", "5", "5.00 XXX", ". EUR", "5. JPY"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(MoneyError):
        parse_money(text)


@given(st.integers(0, 10**12), WEIGHTS.filter(lambda weights: sum(weights.values()) > 0))
def test_parts_add_up_and_are_within_one_unit_of_their_share(total: int, weights: dict[str, int]) -> None:
    parts, whole = divide(total, weights), sum(weights.values())
    assert sum(parts.values()) == total
    assert all(abs(parts[key] * whole - total * weight) < whole for key, weight in weights.items())
    assert all(parts[key] == 0 for key, weight in weights.items() if weight == 0)


@given(st.integers(1, 10**6), WEIGHTS, st.data())
def test_partial_refunds_by_what_is_left_end_at_nothing(
    total: int, weights: dict[str, int], data: st.DataObject
) -> None:
    if not sum(weights.values()):
        return
    left = divide(total, weights)
    while remaining := sum(left.values()):
        part = data.draw(st.integers(min(remaining, total // 4 + 1), remaining))
        taken = divide(part, left)
        assert all(0 <= taken[key] <= left[key] for key in left)
        left = {key: left[key] - taken[key] for key in left}
    assert set(left.values()) == {0}


def test_a_part_may_shrink_when_the_sum_grows_so_differences_are_no_refund() -> None:
    weights = dict(zip("abcdef", (14, 20, 1, 15, 9, 8), strict=True))
    assert divide(38, weights)["c"] == 1
    assert divide(39, weights)["c"] == 0


@pytest.mark.parametrize(("total", "weights"), [(-1, {"a": 1}), (1, {"a": -1}), (1, {}), (1, {"a": 0})])
def test_what_cannot_be_divided_is_refused(total: int, weights: dict[str, int]) -> None:
    with pytest.raises(MoneyError):
        divide(total, weights)
