"""A pack on the shelf: one card that is one link."""

from __future__ import annotations

from html import escape

import streamlit as st

from marketplace_ui.components.evidence import rate_html
from marketplace_ui.components.plain_text import plain
from marketplace_ui.services.shelf import Offer
from marketplace_ui.services.wording import cameras_text, price_text

PACK_PAGE = "app_pages/pack.py"


def card(offer: Offer) -> None:
    """Draws the card of an offer; anywhere on it leads to the page of the pack."""
    with st.container(border=True, key=f"card-{offer.skill_id}"):
        if offer.poster:
            st.image(str(offer.poster), width="stretch", alt=f"{offer.title}: a moment of a recorded rollout")
        else:
            st.html('<div class="dw-noposter dw-muted">No recording</div>')
        st.page_link(PACK_PAGE, label=plain(offer.title), query_params={"skill": offer.skill_id})
        st.html(_body(offer))


def _body(offer: Offer) -> str:
    evidence = rate_html(offer.num_successes, offer.num_rollouts, offer.low, offer.high, offer.baseline_rate)
    needs = f"{offer.robot_type} · {cameras_text(offer.cameras)}"
    tested = "In simulation" if offer.is_simulated else "On a real robot"
    return (
        f'<div class="dw-body"><div class="dw-small dw-muted dw-line" title="{escape(needs)}">{escape(needs)}</div>'
        f'<div class="dw-text">{escape(offer.description)}</div>{evidence}'
        f'<div class="dw-foot"><span class="dw-price">{escape(price_text(offer.price_minor, offer.currency))}</span>'
        f'<span class="dw-chip">{tested}</span></div></div>'
    )
