"""Reviews by people who bought the pack. What they wrote is text, whatever it looks like."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from marketplace_ui.services.pack_in_shop import PackInShop
from marketplace_ui.services.wording import counted, day_text

if TYPE_CHECKING:
    from marketplace.reviews import Review

SHOWN = 6
MOST_STARS = 5


def reviews(known: PackInShop) -> None:
    """Draws the mean with its number, and the newest reviews."""
    st.header("Reviews", anchor="reviews")
    if known.stars is None:
        st.caption("Nobody who bought it has written one yet. Only they can.")
        return
    st.html(
        f'<div class="dw-headline"><b>{known.stars:.1f}</b><span>{stars_html(round(known.stars))}<br>'
        f'<span class="dw-muted">{counted(len(known.reviews), "review")}, all by people who bought it</span></span></div>'
    )
    _drawn(known.reviews[:SHOWN])
    if len(known.reviews) > SHOWN:
        with st.expander(f"{counted(len(known.reviews) - SHOWN, 'more review')}"):
            _drawn(known.reviews[SHOWN:])


def stars_html(number: int) -> str:
    """Returns filled and empty stars, spoken as a number."""
    drawn = "★" * number + "☆" * (MOST_STARS - number)
    return f'<span class="dw-stars" role="img" aria-label="{number} of {MOST_STARS} stars">{drawn}</span>'


def review_html(review: Review) -> str:
    """Returns one review; nothing in it is markup."""
    return (
        f'<article class="dw-review"><div class="dw-review-head">{stars_html(review.stars)}'
        f'<span class="dw-small dw-muted">{escape(day_text(review.written_at))}</span></div>'
        f"<p>{escape(review.text)}</p>"
        f'<div class="dw-small"><b>{escape(review.name)}</b> <span class="dw-muted">bought it</span> '
        f'<span class="dw-chip">on {escape(review.robot)}</span> <span class="dw-chip">version {escape(review.version)}</span></div></article>'
    )


def _drawn(shown: Sequence[Review]) -> None:
    st.html(f'<div class="dw-reviews">{"".join(map(review_html, shown))}</div>')
