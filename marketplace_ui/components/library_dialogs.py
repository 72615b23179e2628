"""Questions that the library asks back: giving a pack back, and what a review says."""

from __future__ import annotations

import streamlit as st

from data_contracts.errors import OrderError, PaymentError
from marketplace.buying import give_back
from marketplace.database import write
from marketplace.money import format_money
from marketplace.reviews import MOST_ROBOT, MOST_TEXT, write_review
from marketplace_ui import opened
from marketplace_ui.components.going import still
from marketplace_ui.components.plain_text import plain
from marketplace_ui.services.library import Owned
from marketplace_ui.services.order_wording import day

ORDER = "app_pages/order.py"


@st.dialog("Give it back?")
def give_it_back(owned: Owned, person_id: str) -> None:
    """Asks once more, then gives a line of an order back."""
    still(person_id, "library")
    amount = format_money(owned.line.amount_minor, owned.order.currency)
    st.markdown(f"**{plain(owned.line.title)}**: you get **{amount}** back.")
    st.markdown(
        "Downloads and updates end when the money is on its way. What runs on your robots goes on running: "
        "nothing is switched off from afar."
    )
    if owned.until:
        st.caption(f"Possible until {day(owned.until)}.")
    with st.container(horizontal=True):
        if st.button(f"Give it back for {amount}", type="primary"):
            _give_back(owned, person_id)
        if st.button("Keep it"):
            st.rerun()


@st.dialog("Your review")
def review(owned: Owned, person_id: str) -> None:
    """Asks for stars, robot and words, and writes them."""
    still(person_id, "library")
    st.caption(
        f"{plain(owned.line.title)}. It stands on the skill's page under your name, with the version and robot that you say."
    )
    stars = st.feedback("stars", key="stars")
    offered = [folder.name for folder in owned.versions] or [owned.entitlement.version]
    version = st.selectbox(
        "Version that you run", offered, index=offered.index(owned.taken) if owned.taken in offered else 0
    )
    robot = st.text_input("Robot", placeholder="SO-101, wrist camera", max_chars=MOST_ROBOT)
    text = st.text_area(
        "What happened", placeholder="What worked, what did not, out of how many tries?", max_chars=MOST_TEXT
    )
    if not st.button("Publish", type="primary"):
        return
    if stars is None:
        st.error("Choose one to five stars.")
        return
    try:
        with write(opened.shop().engine) as connection:
            write_review(
                connection, person_id, owned.line.skill_id, version, robot, stars + 1, text, opened.shop().now()
            )
    except OrderError as error:
        st.error(plain(f"{error.message} {error.hint}"))
        return
    st.toast("Thank you. Your review is on the skill's page.")
    st.rerun()


def _give_back(owned: Owned, person_id: str) -> None:
    try:
        with st.spinner("Sending your money back…"):
            give_back(opened.shop(), opened.provider(), owned.line.id, buyer_id=person_id)
    except (OrderError, PaymentError) as error:
        st.error(f"**{plain(error.message)}** {plain(error.hint)}", icon=":material/error:")
        return
    st.switch_page(ORDER, query_params={"order": owned.order.id})
