"""The cart: what it costs, where the buyer lives, and the way to the payment page. `?add=<skill>` puts something in first."""

from __future__ import annotations

import secrets

import streamlit as st

from data_contracts.errors import OrderError, PaymentError
from marketplace.accounts.people import Person
from marketplace.buying import buy, cancel, put_into_cart, take_out_of_cart
from marketplace.orders import PAID, Order
from marketplace_ui import opened
from marketplace_ui.components.buying import bill_html, test_money
from marketplace_ui.components.going import go_to, link, somebody
from marketplace_ui.components.plain_text import plain
from marketplace_ui.components.poster import poster
from marketplace_ui.components.states import no_release, state
from marketplace_ui.services.cart import Cart, cart_for
from marketplace_ui.services.countries import countries
from marketplace_ui.services.shelf import release_stamp
from marketplace_ui.services.wording import counted, price_text

ORDER, PACK = "app_pages/order.py", "app_pages/pack.py"


def page() -> None:
    person = somebody("cart")
    if release_stamp(opened.lake()) is None:
        no_release()
        return
    _add_what_is_asked_for(person)
    st.title("Your cart", anchor=False)
    test_money()
    country = st.session_state.get("country", person.country)
    cart = cart_for(opened.shop(), opened.catalogue(), person.id, country)
    if not cart.packs and not cart.gone:
        state(
            "Your cart is empty",
            "What you put in stays here until you buy it or take it out.",
            link("Look at the skills", "/"),
        )
        return
    left, right = st.columns([1.5, 1], gap="large")
    with left:
        _items(cart, person)
    with right, st.container(border=True, key="till"):
        _till(cart, person)


def _add_what_is_asked_for(person: Person) -> None:
    skill_id = st.query_params.get("add")
    if skill_id:
        opened.catalogue().pack(skill_id)  # says so where it is not on the shelf
        put_into_cart(opened.shop(), person.id, skill_id)
        del st.query_params["add"]
        st.rerun()  # the header has counted already


def _items(cart: Cart, person: Person) -> None:
    for pack in cart.packs:
        with st.container(border=True, key=f"item-{pack.skill_id}", horizontal=True, vertical_alignment="center"):
            poster(pack.skill_id, 112)
            with st.container(gap=None):
                st.page_link(PACK, label=f"**{plain(pack.title)}**", query_params={"skill": pack.skill_id})
                st.caption(f"Version {pack.version}, with every later {pack.version.split('.')[0]}.x")
            st.html(f'<span class="dw-price">{price_text(pack.amount_minor, pack.currency)}</span>', width="content")
            if st.button("Remove", key=f"remove-{pack.skill_id}", type="tertiary", icon=":material/close:"):
                take_out_of_cart(opened.shop(), person.id, [pack.skill_id])
                st.rerun()
    for skill_id in cart.gone:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f"`{skill_id}` is not sold any more.", width="stretch")
            if st.button("Remove", key=f"remove-{skill_id}", type="tertiary", icon=":material/close:"):
                take_out_of_cart(opened.shop(), person.id, [skill_id])
                st.rerun()


def _till(cart: Cart, person: Person) -> None:
    if not cart.packs:
        st.caption("There is nothing in here that can be bought.")
        return
    if len(cart.currencies) > 1:
        st.warning(f"One order cannot be in {' and '.join(cart.currencies)}. Take something out and buy it afterwards.")
        return
    if cart.unpaid:
        _unpaid(cart.unpaid, person)
        return
    names = countries()
    st.selectbox(
        "Where you live", list(names), index=list(names).index(person.country) if person.country in names else None,
        format_func=names.get, key="country", placeholder="Choose a country",
        help="Tax within the price follows from it, and it stands on the receipt.",
    )  # fmt: skip
    lines = [(pack.title, pack.version, pack.amount_minor) for pack in cart.packs]
    st.html(bill_html(lines, cart.currencies[0], cart.total_minor, cart.tax_minor, cart.tax_basis_points))
    label = f"Buy for {price_text(cart.total_minor, cart.currencies[0])}" if cart.total_minor else "Get it for free"
    if st.button(label, type="primary", width="stretch", key="buy"):
        _buy(cart, person)
    days = opened.shop().settings.refunds.window_days
    st.caption(f"You can give a pack back by yourself within {counted(days, 'day')}. It goes on running on your robot.")


def _buy(cart: Cart, person: Person) -> None:
    request_key = st.session_state.setdefault("request_key", secrets.token_hex(16))
    country = st.session_state.get("country") or person.country
    try:
        with st.spinner("Asking for the payment page…"):
            order = buy(opened.shop(), opened.provider(), person.id, cart.packs, request_key, country)
    except (OrderError, PaymentError) as error:
        st.error(f"**{plain(error.message)}** {plain(error.hint)}", icon=":material/error:")
        return
    del st.session_state["request_key"]
    if order.state not in PAID and order.checkout_url:
        st.html(
            f'<div class="dw-small">You are on your way to the payment page. {link("Go there", order.checkout_url)}</div>'
        )
        go_to(order.checkout_url)
        st.stop()
    st.switch_page(ORDER, query_params={"order": order.id})


def _unpaid(order: Order, person: Person) -> None:
    st.html("<b>An order of this waits to be paid</b>")
    lines = [(line.title, line.version, line.amount_minor) for line in order.lines]
    st.html(bill_html(lines, order.currency, order.total_minor, order.tax_minor))
    if order.checkout_url:
        st.html(link("Go on to the payment", order.checkout_url))
    st.page_link(ORDER, label="Look at the order", query_params={"order": order.id}, icon=":material/receipt_long:")
    if st.button("Cancel that order", type="tertiary", icon=":material/close:"):
        cancel(opened.shop(), opened.provider(), person.id, order.id)
        st.rerun()


page()
