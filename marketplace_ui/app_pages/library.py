"""The library: everything that was bought, its versions to download, licence files, updates, recalls, and giving back."""

from __future__ import annotations

import streamlit as st

from marketplace.accounts.people import Person
from marketplace_ui import opened
from marketplace_ui.components.download_dialog import download, licence_path
from marketplace_ui.components.going import link, somebody
from marketplace_ui.components.library_dialogs import give_it_back, review
from marketplace_ui.components.order_parts import chip_html
from marketplace_ui.components.plain_text import plain
from marketplace_ui.components.poster import poster
from marketplace_ui.components.states import state
from marketplace_ui.services.library import Owned, library_of, size_of
from marketplace_ui.services.order_wording import LINES, day
from marketplace_ui.services.wording import counted, size_text

ORDER, ORDERS, PACK = (f"app_pages/{name}.py" for name in ("order", "orders", "pack"))


def page() -> None:
    person = somebody("library")
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.title("Your library", anchor=False, width="content")
        st.page_link(ORDERS, label="Orders and receipts", icon=":material/receipt_long:")
    library = library_of(opened.shop(), person.id)
    if not library:
        state(
            "Nothing here yet",
            "Skills that you buy, and free ones that you take, are kept here for every robot you own.",
            link("Look at the skills", "/"),
        )
        return
    for owned in library:
        with st.container(border=True, key=f"owned-{owned.entitlement.id}"):
            _purchase(owned, person)


def _purchase(owned: Owned, person: Person) -> None:
    one, line = owned.entitlement, owned.line
    with st.container(horizontal=True, vertical_alignment="center"):
        poster(line.skill_id, 84, one.id)
        with st.container(gap=None, width="stretch"):
            st.page_link(PACK, label=f"**{plain(line.title)}**", query_params={"skill": line.skill_id})
            bought = f"Bought {day(one.granted_at)}" if line.amount_minor else f"Yours since {day(one.granted_at)}"
            st.caption(f"{bought} · version {one.version} · every {one.major}.x · {counted(one.num_robots, 'robot')}")
        if not one.is_active or line.state != "sold":
            st.html(chip_html(*LINES[line.state]), width="content")
        elif owned.has_update:
            st.html(chip_html(f"Update: {owned.newest}", "good"), width="content")
    for recall in owned.recalls:
        st.error(
            f"**Version {recall.version} was recalled** on {day(recall.at)}: {plain(recall.reason)} Do not run it; "
            "take another version.", icon=":material/report:",
        )  # fmt: skip
    if not one.is_active:
        st.caption("Downloads and updates have ended. What runs on your robots goes on running.")
        st.page_link(ORDER, label="The order", query_params={"order": owned.order.id}, icon=":material/receipt_long:")
        return
    if not owned.versions:
        st.caption("There is no version to download at the moment.")
    for index, folder in enumerate(owned.versions):
        _version(owned, folder.name, size_text(size_of(folder)), is_first=index == 0)
    _further(owned, person)


def _version(owned: Owned, version: str, size: str, *, is_first: bool) -> None:
    key = f"download-{owned.entitlement.id}-{version}"
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key=f"row-{key}"
    ):
        newest = "newest" if is_first else ""
        taken = "downloaded" if version == owned.taken else ""
        said = " · ".join(filter(None, (size, newest, taken)))
        st.markdown(f"**{version}** &nbsp; :gray[{said}]", width="content")
        kind = "primary" if is_first else "secondary"
        if st.button("Download", key=key, type=kind, icon=":material/download:"):
            download(owned, version)


def _further(owned: Owned, person: Person) -> None:
    key = owned.entitlement.id
    with st.container(horizontal=True, vertical_alignment="center", key=f"further-{key}"):
        st.html(link("Licence file", licence_path(owned), is_primary=False), width="content")
        if st.button("Write a review", key=f"review-{key}", icon=":material/rate_review:", type="tertiary"):
            review(owned, person.id)
        if owned.until and st.button(
            f"Give it back (until {day(owned.until)})", key=f"back-{key}", icon=":material/undo:", type="tertiary"
        ):
            give_it_back(owned, person.id)


page()
