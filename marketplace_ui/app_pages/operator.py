"""The operator's desk: orders, money, packs, people, audit trail. `?view=` says which; who may is asked by every call that it makes."""

from __future__ import annotations

import streamlit as st

from data_contracts.errors import NotAllowed
from marketplace import operating
from marketplace_ui.components import desk_money, desk_orders, desk_packs, desk_people
from marketplace_ui.components.going import somebody
from marketplace_ui.components.states import state

VIEWS = {
    "Orders": desk_orders.orders, "Money": desk_money.money, "Packs": desk_packs.packs, "People": desk_people.people,
    "Audit trail": desk_people.trail,
}  # fmt: skip


def page() -> None:
    who = somebody("operator")
    try:
        operating.check_operator(who)
    except NotAllowed as error:
        state("For operators", f"{error.message} {error.hint}")
        return
    st.title("Operator's desk", anchor=False)
    desk_money.banner(who)
    view = st.segmented_control(
        "View", list(VIEWS), default="Orders", key="view", bind="query-params", label_visibility="collapsed"
    )
    VIEWS[view or "Orders"](who)


page()
