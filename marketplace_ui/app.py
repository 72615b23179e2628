"""The shop: router, look and error boundary. Start it with `marketplace_ui.launch.shop_command`."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from marketplace_ui.components.states import boundary

HERE = Path(__file__).parent


def main() -> None:
    st.set_page_config(page_title="Deftworks", page_icon=str(HERE / "icon.png"), layout="wide")
    st.html(HERE / "style.css")
    st.logo(str(HERE / "logo.svg"), size="large")
    browse = st.Page("app_pages/browse.py", title="Skills", icon=":material/storefront:", default=True)
    pack = st.Page("app_pages/pack.py", title="Skill", url_path="pack", visibility="hidden")
    about = st.Page("app_pages/about.py", title="How it works", icon=":material/help:", url_path="about")
    chosen = st.navigation([browse, pack, about], position="top")
    with boundary():
        chosen.run()


main()
