"""The shop: router, look and error boundary. Start it with `marketplace_ui.launch.shop_command`."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from marketplace_ui import opened
from marketplace_ui.components.states import boundary
from marketplace_ui.services.cart import wanted_by

HERE = Path(__file__).parent


def main() -> None:
    st.set_page_config(page_title="Deftworks", page_icon=str(HERE / "icon.png"), layout="wide")
    st.html(HERE / "style.css")
    st.logo(str(HERE / "logo.svg"), size="large")
    with boundary():
        st.navigation(pages(), position="top").run()


def pages() -> list[st.Page]:
    """Returns every page; those that are somebody's own stand in the header once somebody is signed in."""
    person = opened.person()
    own = "visible" if person else "hidden"
    runs_it = person is not None and "operator" in person.roles
    sells = person is not None and (runs_it or person.contributor is not None)
    in_cart = len(wanted_by(opened.shop(), person.id)) if person else 0
    return [
        st.Page("app_pages/browse.py", title="Skills", icon=":material/storefront:", default=True),
        st.Page("app_pages/library.py", title="Library", icon=":material/inventory_2:", url_path="library", visibility=own),
        st.Page(
            "app_pages/cart.py", title=f"Cart ({in_cart})" if in_cart else "Cart", icon=":material/shopping_cart:",
            url_path="cart", visibility=own,
        ),
        st.Page("app_pages/account.py", title="Account", icon=":material/person:", url_path="account", visibility=own),
        st.Page("app_pages/sales.py", title="Sales", icon=":material/bar_chart:", url_path="sales",
                visibility="visible" if sells else "hidden"),
        st.Page("app_pages/operator.py", title="Desk", icon=":material/support_agent:", url_path="operator",
                visibility="visible" if runs_it else "hidden"),
        st.Page("app_pages/about.py", title="How it works", icon=":material/help:", url_path="about"),
        st.Page(
            "app_pages/sign_in.py", title="Sign in", icon=":material/login:", url_path="sign-in",
            visibility="hidden" if person else "visible",
        ),
        st.Page("app_pages/pack.py", title="Skill", url_path="pack", visibility="hidden"),
        st.Page("app_pages/order.py", title="Order", url_path="order", visibility="hidden"),
        st.Page("app_pages/orders.py", title="Orders", url_path="orders", visibility="hidden"),
        st.Page("app_pages/receipt.py", title="Receipt", url_path="receipt", visibility="hidden"),
    ]  # fmt: skip


main()
