"""The operator's view of people: roles, contributors' names, links for a new password; and the audit trail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import streamlit as st

from marketplace import operating
from marketplace.accounts.people import ROLES
from marketplace.database import read
from marketplace_ui import opened
from marketplace_ui.components.states import said
from marketplace_ui.components.tables import code, table_html
from marketplace_ui.services.wording import day_text, moment_text

if TYPE_CHECKING:
    from marketplace.accounts.people import Person

SHOWN = 200


def people(who: Person) -> None:
    """Draws everybody, and what can be done for one of them."""
    with read(opened.shop().engine) as connection:
        known = operating.everybody(connection, who)
    rows = [
        (one.display_name, one.email, ", ".join(sorted(one.roles)), one.contributor or "", day_text(one.created_at),
         "disabled" if one.is_disabled else "")
        for one in known[-SHOWN:]
    ]  # fmt: skip
    st.html(table_html(("Name", "Email", "Roles", "Contributor", "Since", ""), rows, is_wide=True))
    names = {one.id: f"{one.display_name} ({one.email})" for one in known}
    chosen = st.selectbox("Person", list(names), key="person", format_func=names.get, width=420)
    one = next(one for one in known if one.id == chosen)
    with st.container(border=True, key="person-in-depth"):
        _roles(who, one)
        _contributor(who, one)
        _password(who, one)


def _roles(who: Person, one: Person) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        roles = st.pills("Roles", ROLES, selection_mode="multi", default=sorted(one.roles), key=f"roles-{one.id}")
        if st.button("Save roles", key="save-roles", disabled=set(roles) == one.roles):
            with said():
                operating.set_roles(opened.shop(), who, one.id, roles)
                st.rerun()
    st.caption("A change signs them out everywhere.")


def _contributor(who: Person, one: Person) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            "Contributor's name", one.contributor or "", key=f"contributor-{one.id}", max_chars=96, width=280
        )
        if st.button("Save name", key="save-contributor", disabled=(name.strip() or None) == one.contributor):
            with said():
                operating.set_contributor(opened.shop(), who, one.id, name.strip() or None)
                st.rerun()
    st.caption("Only after they showed that the recordings are theirs: what packs earn goes to this name.")


def _password(who: Person, one: Person) -> None:
    if st.button("Make a link for a new password", key="password-link", icon=":material/key:"):
        with said():
            st.code(operating.password_link(opened.shop(), who, one.id), language=None, wrap_lines=True)
            st.caption("Hand it to them yourself. It works once, for a day, and is not shown again.")


def trail(who: Person) -> None:
    """Draws the newest events of the audit trail."""
    with read(opened.shop().engine) as connection:
        events = operating.trail(connection, who, limit=SHOWN)
        names = {one.id: one.display_name for one in operating.everybody(connection, who)}
    st.caption(f"The newest {len(events)}. The database itself refuses to change or remove any of them.")
    rows = [
        (str(one.number), moment_text(one.at), names.get(one.who, one.who), one.what, code(json.dumps(one.about, ensure_ascii=False)))
        for one in events
    ]  # fmt: skip
    st.html(table_html(("", "When (UTC)", "Who", "What", "About"), rows, is_wide=True))
