"""Parts of an order on a page: its state, its history."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from marketplace.orders import Order
from marketplace_ui.services.order_wording import order_said

ICONS = {"good": "✓", "waiting": "", "bad": "!", "over": "↩"}


def head_html(order: Order) -> str:
    """Returns what became of an order, large."""
    said = order_said(order)
    return (
        f'<div class="dw-outcome dw-{said.tone}" role="status"><span class="dw-mark" aria-hidden="true">{ICONS[said.tone]}</span>'
        f"<div><h1>{escape(said.title)}</h1><p>{escape(said.text)}</p></div></div>"
    )


def chip_html(text: str, tone: str) -> str:
    """Returns a state in a word or two."""
    return f'<span class="dw-chip dw-{tone}">{escape(text)}</span>'


def timeline_html(events: Sequence[tuple[str, str]]) -> str:
    """Returns (when, what happened) as a line through time, the newest last."""
    items = "".join(
        f'<li><span>{escape(what)}</span><span class="dw-small dw-muted">{escape(at)}</span></li>'
        for at, what in events
    )
    return f'<ol class="dw-timeline">{items}</ol>'
