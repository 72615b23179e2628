"""What was sold: for operators every pack by month and contributor, for contributors what is theirs. From the ledger, exact."""

from __future__ import annotations

import streamlit as st

from marketplace_ui.components import figures
from marketplace_ui.components.going import somebody
from marketplace_ui.components.states import state


def page() -> None:
    who = somebody("sales")
    if "operator" not in who.roles and who.contributor is None:
        state(
            "Nothing is sold in your name yet",
            "Contributors see here what their recordings earn. Write to the shop to show that a contributor's name is yours.",
        )
        return
    st.title("Sales", anchor=False)
    if who.contributor is not None:
        figures.own(who)
    if "operator" in who.roles:
        figures.everything(who)


page()
