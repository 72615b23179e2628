"""Taking a pack home: the link that is made when it is asked for, and the lines for a terminal. Weights never pass through here."""

from __future__ import annotations

from html import escape
from urllib.parse import quote

import streamlit as st

from data_contracts.errors import OrderError
from marketplace.database import read
from marketplace.downloads import Bundle, bundle_of, signed_path
from marketplace.shelf import versions_on_shelf
from marketplace_ui import opened
from marketplace_ui.components.going import link, still
from marketplace_ui.components.plain_text import plain
from marketplace_ui.components.tables import code, facts_html
from marketplace_ui.services.commands import LEROBOT, act_lines, check_lines, folder_of, get_lines
from marketplace_ui.services.library import Owned
from marketplace_ui.services.wording import size_text


@st.dialog("Download", width="large")
def download(owned: Owned, version: str) -> None:
    """Makes a link to a version and shows what to do with it."""
    still(owned.entitlement.person_id, "library")
    try:
        with st.spinner("Putting it into one file…"):
            bundle, path = _linked(owned, version)
    except OrderError as error:
        st.error(f"**{plain(error.message)}** {plain(error.hint)}", icon=":material/error:")
        return
    digest = bundle.sha256.removeprefix("sha256:")
    st.html(f"<b>{escape(owned.line.title)} {escape(version)}</b>")
    st.html(link(f"Download {size_text(bundle.size_bytes)}", path))
    st.html(facts_html({"sha256": code(digest)}))
    minutes = opened.shop().settings.licences.link_lifetime_s // 60
    st.caption(
        f"The link is yours and begins a download for {minutes} minutes. A new one goes on where a download stopped."
    )
    address = opened.shop().settings.address
    terminal, check, load = st.tabs(["In a terminal", "Check it", f"Load it in LeRobot {LEROBOT}"])
    terminal.code(get_lines(bundle, f"{address}{path}"), language="bash", wrap_lines=True)
    terminal.caption("Or, signed in with `deftworks account sign-in`, all of it in one line:")
    terminal.code(f"deftworks library get {owned.line.skill_id} --version {version}", language="bash", wrap_lines=True)
    check.code(check_lines(bundle, address), language="bash", wrap_lines=True)
    load.code(act_lines(folder_of(bundle), owned.line.title), language="bash")
    load.caption("Needs no network. What your robot must have stands on the page of the skill.")


def licence_path(owned: Owned) -> str:
    """Returns where a purchase's licence file is."""
    return f"/api/licence/{quote(owned.entitlement.id)}"


def _linked(owned: Owned, version: str) -> tuple[Bundle, str]:
    shop = opened.shop()
    on_shelf = versions_on_shelf(shop.lake).get(owned.line.skill_id)
    with read(shop.engine) as connection:
        bundle = bundle_of(connection, shop.lake, owned.entitlement, version, on_shelf)
    return bundle, signed_path(shop.lake, owned.entitlement, version, shop.settings, shop.now())
