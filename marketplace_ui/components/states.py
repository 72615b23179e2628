"""What stands where there is nothing to show: empty shelf, no match, something broken. Says what it is and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape

import streamlit as st

from data_contracts.errors import DeftworksError
from marketplace_ui.components.plain_text import plain


def state(title: str, text: str, way_on: str = "") -> None:
    """Draws a quiet box in the place of what is not there. `way_on` is markup: a link to what can be done."""
    inside = f'<h3>{escape(title)}</h3><div class="dw-muted">{escape(text)}</div>{way_on}'
    st.html(f'<div class="dw-state">{inside}</div>')


def no_release() -> None:
    """Before the first release."""
    state(
        "The shelves are still empty",
        "Nothing has been published here yet. Skills appear with the first catalogue release.",
    )
    st.caption("If this is your shop: make a release, for example with")
    st.code("deftworks demo", language="bash")


def empty_release() -> None:
    """A release without packs."""
    state("No skills on the shelf right now", "The present catalogue release holds no packs. Please come back later.")


@contextmanager
def boundary() -> Iterator[None]:
    """Turns an error of ours into a message with what to do next; no stack trace reaches a visitor."""
    try:
        yield
    except DeftworksError as error:
        st.error(f"**This page cannot be shown.** {plain(error.message)}", icon=":material/error:")
        if error.hint:
            st.caption(plain(error.hint))


@contextmanager
def said() -> Iterator[None]:
    """Says in its place what went wrong with one part of a page; the rest is drawn."""
    try:
        yield
    except DeftworksError as error:
        st.error(f"**{plain(error.message)}** {plain(error.hint)}", icon=":material/error:")
