"""What buying looks like wherever it happens: the badge of test money, a bill. The button of a pack's page is `purchase`."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from marketplace.money import format_money
from marketplace_ui import opened


def test_money() -> None:
    """Says that nothing is really paid, where that is so."""
    if opened.is_test_money():
        st.html('<div class="dw-test-money"><b>Test money</b> Nothing here is really paid.</div>')


def bill_html(
    lines: Sequence[tuple[str, str, int]], currency: str, total: int, tax: int, rate_bp: int | None = None
) -> str:
    """Returns lines (title, small print, amount) with their total, and the tax within it where there is any."""
    rows = "".join(
        f'<li><span><b>{escape(title)}</b><span class="dw-small dw-muted">{escape(small)}</span></span>'
        f"<span>{format_money(amount, currency)}</span></li>"
        for title, small, amount in lines
    )
    rate = f" ({rate_bp / 100:g}%)" if rate_bp else ""
    within = (
        f'<li class="dw-muted dw-small"><span>of it tax{rate}</span><span>{format_money(tax, currency)}</span></li>'
    )
    return (
        f'<ul class="dw-bill">{rows}<li class="dw-total"><span>Total</span>'
        f"<span>{format_money(total, currency)}</span></li>{within if tax else ''}</ul>"
    )
