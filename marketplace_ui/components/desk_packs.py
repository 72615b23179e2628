"""The operator's view of packs: recalling a version, and what buyers wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from marketplace import operating
from marketplace.database import read
from marketplace_ui import opened
from marketplace_ui.components.reviews import stars_html
from marketplace_ui.components.states import said
from marketplace_ui.components.tables import Markup, table_html
from marketplace_ui.services.wording import day_text
from skill_packs.layout import versions

if TYPE_CHECKING:
    from marketplace.accounts.people import Person


def packs(who: Person) -> None:
    """Draws recalls and reviews."""
    _recalls(who)
    _reviews(who)


def _recalls(who: Person) -> None:
    st.header("Recalls", anchor=False)
    with read(opened.shop().engine) as connection:
        recalled = operating.recalls(connection, who)
    if recalled:
        rows = [(one.skill_id, one.version, day_text(one.at), one.reason) for one in recalled]
        st.html(table_html(("Skill", "Version", "Since", "Reason"), rows, is_wide=True))
    else:
        st.caption("No version is recalled.")
    lake = opened.lake()
    skills = sorted(path.name for path in (lake.home / "packs").iterdir()) if (lake.home / "packs").is_dir() else []
    with st.expander("Recall a version"):
        st.caption(
            "Nobody can buy or download it any more, and its page says why. What runs on robots goes on running."
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            skill = st.selectbox("Skill", skills, key="recall-skill", width=280)
            known = [folder.name for folder in versions(lake.packs(skill))][::-1] if skill else []
            version = st.selectbox("Version", known, key="recall-version", width=140)
        reason = st.text_area("Reason, for its owners", key="recall-reason", max_chars=operating.MOST_REASON)
        if st.button("Recall", type="primary", key="recall", disabled=not (version and reason.strip())):
            with said():
                operating.recall_version(opened.shop(), who, skill, version, reason)
                st.rerun()


def _reviews(who: Person) -> None:
    st.header("Reviews", anchor=False)
    with read(opened.shop().engine) as connection:
        written = operating.written_reviews(connection, who)
    if not written:
        st.caption("Nobody has written one yet.")
        return
    rows = [
        (day_text(one.written_at), f"{one.skill_id} {one.version}", Markup(stars_html(one.stars)), one.name, one.text,
         "hidden" if one.is_hidden else "shown")
        for one in written
    ]  # fmt: skip
    st.html(table_html(("When", "Skill", "Stars", "By", "Text", ""), rows, is_wide=True))
    names = {
        one.id: f"{one.skill_id}, by {one.name}, {day_text(one.written_at)}" for one in written if not one.is_hidden
    }
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Review", list(names), key="hide-which", format_func=names.get, width=420)
        if st.button("Hide it", key="hide", disabled=not chosen):
            with said():
                operating.hide_review(opened.shop(), who, chosen)
                st.rerun()
