"""All orders of a buyer, newest first; each leads to its page."""

from __future__ import annotations

import streamlit as st

from marketplace.database import read
from marketplace.money import format_money
from marketplace.orders import orders_of
from marketplace_ui import opened
from marketplace_ui.components.buying import test_money
from marketplace_ui.components.going import link, somebody
from marketplace_ui.components.order_parts import chip_html
from marketplace_ui.components.plain_text import plain
from marketplace_ui.components.states import state
from marketplace_ui.services.order_wording import STATES, day

ORDER = "app_pages/order.py"


def page() -> None:
    person = somebody("orders")
    st.title("Your orders", anchor=False)
    with read(opened.shop().engine) as connection:
        orders = orders_of(connection, person.id)
    if not orders:
        state("No orders yet", "What you order stands here, with its receipt.", link("Look at the skills", "/"))
        return
    test_money()
    for order in orders:
        said = STATES[order.state]
        with st.container(border=True, key=f"order-{order.id}", horizontal=True, vertical_alignment="center"):
            with st.container(gap=None):
                title = ", ".join(line.title for line in order.lines)
                st.page_link(ORDER, label=f"**{plain(title)}**", query_params={"order": order.id})
                st.caption(day(order.created_at))
            st.html(chip_html(said.chip, said.tone), width="content")
            total = format_money(order.total_minor, order.currency) if order.total_minor else "Free"
            st.html(f'<span class="dw-price">{total}</span>', width="content")


page()
