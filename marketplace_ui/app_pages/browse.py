"""The shelf: search, facets, cards. What is looked for stands in the URL, so that it can be shared."""

from __future__ import annotations

import streamlit as st

from marketplace_ui import opened
from marketplace_ui.components.card import card
from marketplace_ui.components.evidence import legend_html
from marketplace_ui.components.states import empty_release, no_release, state
from marketplace_ui.services.shelf import PRICES, Offer, Wish, find, release_stamp, robots

LEAST = {"25%": 0.25, "50%": 0.5, "75%": 0.75}
NOTHING_ASKED = {"q": "", "robot": [], "price": None, "success": None}


def page() -> None:
    st.title("Skills for your robot", anchor=False)
    st.html(
        '<div class="dw-lead">Trained on recordings that people shared, tested on starts that nobody trained on, and signed '
        "so that you can check every byte.</div>"
    )
    if release_stamp(opened.lake()) is None:
        no_release()
        return
    shelf = opened.shelf()
    if not shelf:
        empty_release()
        return
    found = find(shelf, ask(shelf))
    if not found:
        state("Nothing matches", "No skill on the shelf is like that. Try fewer words or filters.")
        st.button("Clear the search", on_click=clear, icon=":material/close:")
        return
    shown = f"{len(found)} of {len(shelf)} skills" if len(found) < len(shelf) else f"{len(shelf)} skills"
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="count"):
        st.caption(f"{shown} · best evidence first, by the lower end of the interval", width="content")
        st.html(legend_html(), width="content")
    with st.container(key="shelf"):
        for offer in found:
            card(offer)


def ask(shelf: list[Offer]) -> Wish:
    """Draws the search and the facets and returns what they ask for."""
    text = st.text_input(
        "Search", key="q", bind="query-params", placeholder="What should it do? Try: drawer", type="search",
        icon=":material/search:", label_visibility="collapsed",
    )  # fmt: skip
    with st.container(horizontal=True, gap="medium", key="facets"):
        robot = st.pills("Robot", robots(shelf), selection_mode="multi", key="robot", bind="query-params")
        price = st.pills("Price", PRICES, key="price", bind="query-params")
        least = st.pills(
            "Proven success, at least", list(LEAST), key="success", bind="query-params",
            help="By the lower end of the 95% interval: few rollouts prove little, however well they went.",
        )  # fmt: skip
    return Wish(text or "", tuple(robot or ()), price, LEAST.get(least or "", 0.0))


def clear() -> None:
    st.session_state.update(NOTHING_ASKED)


page()
