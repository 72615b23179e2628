"""The facets of the shelf: a popover each, with counts. What is chosen stands in the address and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from marketplace.search import FACETS, PRICES, SUCCESSES
from marketplace_ui.components.plain_text import plain

NAMES = {
    "task": "Task", "robot": "Robot", "cameras": "Cameras", "price": "Price", "licence": "Licence", "success": "Proven success",
}  # fmt: skip
NOTES = {
    "cameras": "The views that a robot must have, by what they show.",
    "price": "In each pack's own currency.",
    "licence": "Of the recordings that it learnt from.",
    "success": "At least, by the lower end of the 95% interval: few rollouts prove little, however well they went.",
}
FIXED = {"price": PRICES, "success": tuple(SUCCESSES)}
MOST_SHOWN = 12


def facets(counts: Mapping[str, Mapping[str, int]], chosen: Mapping[str, frozenset[str]]) -> None:
    """Draws a popover per facet, and what is chosen as buttons that take it back."""
    with st.container(horizontal=True, gap="small", key="facets"):
        for facet in FACETS:
            picked = chosen.get(facet, frozenset())
            label = f"{NAMES[facet]} · {len(picked)}" if picked else NAMES[facet]
            with st.popover(label, key=f"facet-{facet}"):
                if facet in NOTES:
                    st.caption(NOTES[facet])
                for value in _values(facet, counts[facet], picked):
                    _box(facet, value, counts[facet].get(value, 0), value in picked)
    if chosen:
        with st.container(horizontal=True, gap="small", key="chosen"):
            for facet, values in chosen.items():
                for value in sorted(values):
                    label = f"{NAMES[facet]}: {plain(value)}"
                    st.button(label, key=f"drop-{facet}={value}", icon=":material/close:", icon_position="right",
                              on_click=toggle, args=(facet, value))  # fmt: skip
            st.button("Clear all", key="clear-facets", type="tertiary", on_click=clear)


def toggle(facet: str, value: str) -> None:
    """Chooses a value, or takes it back; what was found begins at its first page again."""
    there = st.query_params.get_all(facet)
    st.query_params[facet] = [one for one in there if one != value] if value in there else [*there, value]
    first_page()


def first_page() -> None:
    if "page" in st.query_params:
        del st.query_params["page"]


def clear() -> None:
    """Asks for everything again."""
    for name in (*FACETS, "page"):
        if name in st.query_params:
            del st.query_params[name]
    st.session_state["q"] = ""


def _values(facet: str, counts: Mapping[str, int], picked: frozenset[str]) -> list[str]:
    if facet in FIXED:
        return [value for value in FIXED[facet] if counts.get(value) or value in picked]
    shown = list(counts)[:MOST_SHOWN]
    return [*shown, *sorted(picked - set(shown))]


def _box(facet: str, value: str, number: int, is_chosen: bool) -> None:
    key = f"{facet}={value}"
    st.session_state[key] = is_chosen
    label = f"{'≥ ' if facet == 'success' else ''}{plain(value)} :gray[{number}]"
    st.checkbox(label, key=key, on_change=toggle, args=(facet, value))
