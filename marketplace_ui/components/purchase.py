"""The price of a pack and the one thing to do about it: get it, buy it, or find it in the library."""

from __future__ import annotations

import secrets
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from marketplace_ui import opened
from marketplace_ui.components.going import go_to, here, link, sign_in_address
from marketplace_ui.components.states import said
from marketplace_ui.services.wording import price_text

if TYPE_CHECKING:
    from data_contracts.skill_pack import SkillPack
    from marketplace.accounts.people import Person
    from marketplace_ui.services.pack_in_shop import PackInShop

CART, ORDER, LIBRARY = "app_pages/cart.py", "app_pages/order.py", "app_pages/library.py"
TEST_MONEY = '<span class="dw-chip dw-test">Test money</span>'


def purchase(pack: SkillPack, known: PackInShop, person: Person | None) -> None:
    """Draws the price, and what whoever looks can do."""
    price = pack.price
    is_test = bool(price.amount_minor) and opened.is_test_money()
    with st.container(border=True, key="purchase"):
        st.html(
            f'<div class="dw-priceline"><span class="dw-price-large">{escape(price_text(price.amount_minor, price.currency))}</span>'
            f"{TEST_MONEY if is_test else ''}</div>"
        )
        if known.has == "library":
            st.page_link(LIBRARY, label="In your library", icon=":material/download_done:", width="stretch")
        elif known.is_recalled(pack.version):
            st.button("Recalled: not handed out", disabled=True, width="stretch", icon=":material/block:")
        elif person is None:
            words = "Sign in to get it" if not price.amount_minor else "Sign in to buy"
            st.html(link(words, sign_in_address(here("pack"))))
        elif not price.amount_minor:
            if st.button("Get it free", type="primary", width="stretch", icon=":material/download:", key="get"):
                _buy(pack, person)
        else:
            if st.button("Buy now", type="primary", width="stretch", icon=":material/bolt:", key="buy"):
                _buy(pack, person)
            _cart(pack, known, person)
        st.html(f'<div class="dw-small dw-muted">{escape(_terms(pack))}</div>')


def _terms(pack: SkillPack) -> str:
    settings = opened.shop().settings
    if not pack.price.amount_minor:
        return f"For {settings.licences.robots} robots, updates of version {pack.version.split('.')[0]} included."
    return (
        f"One payment, for {settings.licences.robots} robots. Updates of version {pack.version.split('.')[0]} included. "
        f"Give it back within {settings.refunds.window_days} days."
    )


def _cart(pack: SkillPack, known: PackInShop, person: Person) -> None:
    from marketplace.buying import put_into_cart

    if known.has == "cart":
        st.page_link(CART, label="In your cart", icon=":material/shopping_bag:", width="stretch")
    elif st.button("Add to cart", width="stretch", icon=":material/add_shopping_cart:", key="add"):
        put_into_cart(opened.shop(), person.id, pack.skill_id)
        st.rerun()


def _buy(pack: SkillPack, person: Person) -> None:
    """Orders the pack under this drawing's key, so that clicking twice is one order, and goes on to where it is paid, or to the library."""
    from marketplace.buying import buy, pack_on_sale

    key = st.session_state.setdefault(f"request-{pack.skill_id}-{pack.version}", secrets.token_urlsafe(24))
    with said():
        on_sale = pack_on_sale(opened.catalogue(), pack.skill_id)
        order = buy(opened.shop(), opened.provider(), person.id, [on_sale], key, person.country)
        del st.session_state[f"request-{pack.skill_id}-{pack.version}"]
        if order.checkout_url:
            go_to(order.checkout_url)
            st.stop()
        if order.total_minor:
            st.switch_page(ORDER, query_params={"order": order.id})
        st.switch_page(LIBRARY)
