"""The account: who is signed in and where, the country that tax follows from, and tokens for scripts."""

from __future__ import annotations

import streamlit as st

from data_contracts.errors import AccountError
from marketplace.accounts.api_tokens import LONGEST_DAYS, ApiToken
from marketplace.accounts.people import LONGEST_NAME, Person
from marketplace.accounts.sessions import Session
from marketplace_ui import opened
from marketplace_ui.components.going import go_to, link, somebody
from marketplace_ui.components.plain_text import plain
from marketplace_ui.components.tables import facts_html
from marketplace_ui.services.account import (
    make_api_token,
    move_to,
    revoke_api_token,
    session_name,
    sessions_and_tokens,
    sign_out_everywhere,
)
from marketplace_ui.services.countries import countries
from marketplace_ui.services.order_wording import day, when
from marketplace_ui.services.wording import counted

ORDERS, LIBRARY = "app_pages/orders.py", "app_pages/library.py"
MOST_SESSIONS = 8
SCOPES = {
    "read": "See orders and library", "download": "Download what you own", "buy": "Buy for you", "operate": "Run the shop",
}  # fmt: skip


def page() -> None:
    person = somebody("account")
    st.title("Your account", anchor=False)
    sessions, tokens = sessions_and_tokens(opened.shop(), person)
    left, right = st.columns(2, gap="large")
    with left:
        _who(person)
        _country(person)
        with st.container(border=True, key="sessions"):
            _sessions(person, sessions)
    with right, st.container(border=True, key="tokens"):
        _tokens(person, tokens)


def _sessions(person: Person, sessions: list[Session]) -> None:
    st.subheader("Where you are signed in", anchor=False)
    here = session_name(opened.cookies())
    rows = "".join(
        f"<li><span>{'This browser' if one.token_hash == here else 'Another browser'}"
        f'<span class="dw-muted dw-small">since {when(one.created_at)}</span></span>'
        f'<span class="dw-muted dw-small">until {day(one.expires_at)}</span></li>'
        for one in sessions[:MOST_SESSIONS]
    )
    st.html(f'<ul class="dw-bill">{rows}</ul>')
    more = len(sessions) - MOST_SESSIONS
    if more > 0:
        st.caption(f"and {counted(more, 'other browser')}")
    if st.button("Sign out everywhere", type="tertiary", icon=":material/logout:"):
        sign_out_everywhere(opened.shop(), person)
        go_to("/", is_way_back=False)


def _who(person: Person) -> None:
    with st.container(border=True, key="who"):
        st.subheader(plain(person.display_name), anchor=False)
        st.caption(f"{plain(person.email)} · here since {day(person.created_at)}")
        if person.contributor:
            st.html(facts_html({"Contributor": person.contributor}))
        with st.container(horizontal=True):
            st.page_link(LIBRARY, label="Library", icon=":material/inventory_2:")
            st.page_link(ORDERS, label="Orders", icon=":material/receipt_long:")
        with st.container(horizontal=True):
            st.html(link("Sign out", "/api/sign-out", is_primary=False), width="content")
            st.html(link("Change password", "/api/password", is_primary=False), width="content")


def _country(person: Person) -> None:
    with st.container(border=True, key="lives"):
        st.subheader("Where you live", anchor=False)
        names = countries()
        chosen = st.selectbox(
            "Country", list(names), index=list(names).index(person.country) if person.country in names else None,
            format_func=names.get, placeholder="Choose a country", label_visibility="collapsed",
        )  # fmt: skip
        st.caption("Tax on your receipts follows from it.")
        if chosen != person.country:
            move_to(opened.shop(), person, chosen)
            st.toast("Kept.")


def _tokens(person: Person, tokens: list[ApiToken]) -> None:
    st.subheader("API tokens", anchor=False)
    st.caption("For scripts and the command line. A token can do what it says and nothing more.")
    if made := st.session_state.pop("made_token", None):
        st.success("Copy it now: it is shown this once.", icon=":material/key:")
        st.code(made, language=None, wrap_lines=True)
    for token in tokens:
        with st.container(
            horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key=f"token-{token.id}"
        ):
            with st.container(gap=None):
                st.text(token.name)
                used = f"used {day(token.used_at)}" if token.used_at else "never used"
                st.caption(f"`{token.id}` · {', '.join(sorted(token.scopes))} · until {day(token.expires_at)} · {used}")
            if st.button("Revoke", key=f"revoke-{token.id}", type="tertiary", icon=":material/close:"):
                revoke_api_token(opened.shop(), person, token.id)
                st.rerun()
    if not tokens:
        st.caption("You have none.")
    offered = [scope for scope in SCOPES if scope != "operate" or "operator" in person.roles]
    with st.form("new-token", border=False):
        name = st.text_input("What is it for", placeholder="Robot in the lab", max_chars=LONGEST_NAME)
        scopes = st.pills(
            "It may", offered, selection_mode="multi", default=["read", "download"], format_func=SCOPES.get
        )
        days = st.slider("Days", 1, LONGEST_DAYS, 90)
        if not st.form_submit_button("Make a token", type="primary"):
            return
    try:
        st.session_state["made_token"] = make_api_token(opened.shop(), person, name, scopes, days)
    except AccountError as error:
        st.error(plain(f"{error.message} {error.hint}"))
        return
    st.rerun()


page()
