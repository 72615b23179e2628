"""One order: whether it is paid, what was bought, what happened. `?order=<id>`; it waits for the payment by itself."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from data_contracts.errors import NotFound, OrderError, PaymentError, PaymentUnavailable
from marketplace.accounts.people import Person
from marketplace.buying import cancel, come_back
from marketplace.database import read
from marketplace.orders import PAID, UNPAID, Order, history_of, order_of
from marketplace_ui import opened
from marketplace_ui.components.buying import bill_html, test_money
from marketplace_ui.components.going import link, somebody, still
from marketplace_ui.components.order_parts import head_html, timeline_html
from marketplace_ui.components.plain_text import plain
from marketplace_ui.components.states import state
from marketplace_ui.components.tables import code, facts_html
from marketplace_ui.services.countries import country_name
from marketplace_ui.services.order_wording import LINES, events_said

LIBRARY, ORDERS, CART, RECEIPT = (f"app_pages/{name}.py" for name in ("library", "orders", "cart", "receipt"))
EVERY_S = 2
MOVING = ("refunding", "disputed")


def page() -> None:
    person = somebody("order")
    _come_back(person)
    st.page_link(ORDERS, label="All orders", icon=":material/arrow_back:")
    try:
        with read(opened.shop().engine) as connection:
            order = order_of(connection, st.query_params.get("order", ""), person.id)
            events = history_of(connection, order.id)
    except NotFound:
        state("There is no such order here", "It may be somebody else's, or the address is mistyped.")
        return
    test_money()
    left, right = st.columns([1.5, 1], gap="large")
    with left:
        st.html(head_html(order))
        if _is_moving(order):
            _watch(order, person)
        _ways_on(order, person)
        lines = [
            (line.title, f"Version {line.version} · {LINES[line.state][0]}", line.amount_minor) for line in order.lines
        ]
        st.html(bill_html(lines, order.currency, order.total_minor, order.tax_minor))
    with right, st.container(border=True):
        st.subheader("What happened", anchor=False)
        st.html(timeline_html(events_said(order, events)))
        st.html(facts_html({"Order": code(order.id)}) + facts_html({"Country": country_name(order.country)}))


def _come_back(person: Person) -> None:
    """Where the payment page sent the buyer back: what they paid leaves their cart, if a message was not first to settle it."""
    if st.query_params.pop("paid", None):
        with suppress(NotFound, PaymentUnavailable):  # the page below says what is so, and goes on asking
            come_back(opened.shop(), opened.provider(), person.id, st.query_params.get("order", ""))
        st.rerun()  # the header has counted what was in the cart


def _is_moving(order: Order) -> bool:
    return order.state in UNPAID or any(line.state in MOVING for line in order.lines)


@st.fragment(run_every=EVERY_S)
def _watch(order: Order, person: Person) -> None:
    """Asks the provider every other second what became of the payment, and draws the page again when it moved."""
    still(person.id, "order")
    try:
        now = come_back(opened.shop(), opened.provider(), person.id, order.id)
    except PaymentUnavailable:
        st.html(
            '<div class="dw-small dw-muted dw-watch">The payment provider does not answer now. We go on asking.</div>'
        )
        return
    if now != order:
        st.rerun()
    st.html('<div class="dw-small dw-muted dw-watch"><span class="dw-pulse"></span>Watching for news</div>')


def _ways_on(order: Order, person: Person) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="ways-on"):
        if order.state in PAID:
            if order.state == "paid" and st.button("Open your library", type="primary", icon=":material/inventory_2:"):
                st.switch_page(LIBRARY)
            if order.total_minor:
                st.page_link(RECEIPT, label="Receipt", query_params={"order": order.id}, icon=":material/receipt_long:")
        elif order.state == "awaiting_payment" and order.checkout_url:
            st.html(link("Go to the payment page", order.checkout_url), width="content")
        elif order.state in ("expired", "cancelled") and st.button("Back to your cart", type="primary"):
            st.switch_page(CART)
        if order.state in UNPAID and st.button("Cancel the order", type="tertiary"):
            _cancel(order, person)


def _cancel(order: Order, person: Person) -> None:
    try:
        cancel(opened.shop(), opened.provider(), person.id, order.id)
    except (OrderError, PaymentError) as error:
        st.error(f"**{plain(error.message)}** {plain(error.hint)}", icon=":material/error:")
        return
    st.rerun()


page()
