"""The shelf: search, facets, cards. What is looked for stands in the URL, so that it can be shared."""

from __future__ import annotations

import streamlit as st

from marketplace.search import Found, search
from marketplace_ui import opened
from marketplace_ui.components.card import card
from marketplace_ui.components.evidence import legend_html
from marketplace_ui.components.facets import clear, facets, first_page
from marketplace_ui.components.states import empty_release, no_release, state
from marketplace_ui.services.asked_for import ORDERS, wish
from marketplace_ui.services.shelf import offers, release_stamp


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
    if shelf.is_empty():
        empty_release()
        return
    text = st.text_input(
        "Search", key="q", bind="query-params", placeholder="What should it do? Try: drawer", type="search",
        icon=":material/search:", label_visibility="collapsed", on_change=first_page,
    )  # fmt: skip
    above = st.container(key="narrow")
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="count"):
        said = st.container(width="content")
        order = st.selectbox(
            "Sort by", list(ORDERS), key="sort", bind="query-params", label_visibility="collapsed", width=170,
            on_change=first_page,
        )  # fmt: skip
    wanted = wish(st.query_params.get_all, text or "", order or "", st.query_params.get("page", "1"))
    found = search(shelf, wanted)
    with above:
        facets(found.counts, wanted.chosen)
    if not found.num_found:
        state("Nothing matches", "No skill on the shelf is like that. Try fewer words or filters.")
        st.button("Clear the search", on_click=clear, icon=":material/close:", key="clear-search")
        return
    said.caption(counted_text(found))
    with st.container(key="shelf"):
        for offer in offers(opened.catalogue(), found.rows):
            card(offer)
    st.html(legend_html())
    pages(found)


def counted_text(found: Found) -> str:
    """Returns how many were found, of how many."""
    if found.num_found < found.num_packs:
        return f"{found.num_found:,} of {found.num_packs:,} skills"
    return "1 skill" if found.num_packs == 1 else f"{found.num_packs:,} skills"


def pages(found: Found) -> None:
    """Draws the way to the page before and after; nothing where all is on one."""
    if found.num_pages == 1:
        return
    with st.container(horizontal=True, horizontal_alignment="center", vertical_alignment="center", key="pages"):
        st.button(
            "Back",
            key="back",
            icon=":material/chevron_left:",
            disabled=found.page == 1,
            on_click=go,
            args=(found.page - 1,),
        )
        st.caption(f"Page {found.page} of {found.num_pages}", width="content")
        st.button("Next", key="next", icon=":material/chevron_right:", icon_position="right",
                  disabled=found.page == found.num_pages, on_click=go, args=(found.page + 1,))  # fmt: skip


def go(number: int) -> None:
    st.query_params["page"] = str(number)


page()
