"""Leaving the pages: for a form that signs in, for the page where an order is paid, for a download. In the same tab."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import streamlit as st

from marketplace_ui import opened
from marketplace_ui.components.states import state
from marketplace_ui.components.tables import Markup

if TYPE_CHECKING:
    from marketplace.accounts.people import Person


def link(label: str, address: str, *, is_primary: bool = True) -> Markup:
    """Returns a link that looks like a button. Streamlit's own link buttons open another tab."""
    kind = "dw-button" if is_primary else "dw-button dw-button-quiet"
    return Markup(f'<a class="{kind}" href="{escape(address)}">{escape(label)}</a>')


def go_to(address: str, *, is_way_back: bool = True) -> None:
    """Sends the browser to an address. `is_way_back`: its Back leads here again."""
    how = "assign" if is_way_back else "replace"
    written = json.dumps(address).replace("<", "\\u003c")
    st.html(f"<script>window.location.{how}({written})</script>", unsafe_allow_javascript=True)


def sign_in_address(path: str) -> str:
    """Returns where somebody signs in who then goes on to a path of this shop."""
    return f"/api/sign-in?{urlencode({'next': path}, quote_via=quote)}"


def here(page: str) -> str:
    """Returns the address of this page as it is asked for, within the shop."""
    asked = urlencode(st.query_params.to_dict())
    return f"/{page}?{asked}" if asked else f"/{page}"


def somebody(page: str) -> Person:
    """Returns who is signed in. Where nobody is, sends the browser to sign in and back to this page, and ends the run."""
    person = opened.person()
    if person is None:
        address = sign_in_address(here(page))
        state("Please sign in", "This page is yours alone. You come back here afterwards.", link("Sign in", address))
        go_to(address, is_way_back=False)
        st.stop()
    return person


def still(person_id: str, page: str) -> None:
    """Ends the run of a dialog or fragment where somebody else, or nobody, is signed in by now: it runs again without its page, with
    what that page was drawn with."""
    if somebody(page).id != person_id:
        st.rerun()
