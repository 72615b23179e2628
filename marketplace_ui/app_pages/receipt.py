"""The receipt of a paid order, to be printed or kept. `?order=<id>`."""

from __future__ import annotations

import streamlit as st

from data_contracts.errors import NotFound
from marketplace.database import read
from marketplace.orders import PAID, order_of
from marketplace_ui import opened
from marketplace_ui.components.going import somebody
from marketplace_ui.components.receipt_sheet import receipt_html
from marketplace_ui.components.states import state

ORDER = "app_pages/order.py"
PRINT = "<script>window.print()</script>"


def page() -> None:
    person = somebody("receipt")
    order_id = st.query_params.get("order", "")
    try:
        with read(opened.shop().engine) as connection:
            order = order_of(connection, order_id, person.id)
    except NotFound:
        state("There is no such receipt here", "It may be somebody else's, or the address is mistyped.")
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="no-print"):
        st.page_link(ORDER, label="The order", query_params={"order": order.id}, icon=":material/arrow_back:")
        is_wanted = order.state in PAID and st.button("Print", icon=":material/print:")
    if order.state not in PAID:
        state("There is no receipt yet", "It is written when the order is paid.")
        return
    st.html(receipt_html(order, person, opened.shop().settings, is_test=opened.is_test_money()))
    if is_wanted:
        st.html(PRINT, unsafe_allow_javascript=True)


page()
