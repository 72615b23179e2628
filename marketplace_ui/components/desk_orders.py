"""The operator's view of orders: by state, one in depth with its history, and giving a line back."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import streamlit as st

from data_contracts.errors import DeftworksError
from marketplace import operating
from marketplace.database import read
from marketplace.money import format_money
from marketplace.orders import STATES, Order, OrderLine
from marketplace_ui import opened
from marketplace_ui.components.plain_text import plain
from marketplace_ui.components.states import said, state
from marketplace_ui.components.tables import Markup, code, facts_html, table_html
from marketplace_ui.services.wording import moment_text

if TYPE_CHECKING:
    from marketplace.accounts.people import Person

SHOWN = 50
NAMED = sorted(name for name in STATES if name)
MAY_GO_BACK = ("sold",)


def orders(who: Person) -> None:
    """Draws the newest orders, and the one that is asked for."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        wanted = st.pills(
            "State", NAMED, key="state", bind="query-params", format_func=lambda name: name.replace("_", " ")
        )
        asked = st.text_input("Order", key="order", bind="query-params", placeholder="order_…", width=280, max_chars=60)
    with read(opened.shop().engine) as connection:
        found = operating.orders(connection, who, wanted, SHOWN)
    if asked:
        with said():
            _order(who, asked.strip())
    if not found:
        state("No orders", "Nobody has ordered anything like this yet.")
        return
    st.html(table_html(("Ordered (UTC)", "Order", "State", "Total", "Packs"), map(_row, found), is_wide=True))
    if len(found) == SHOWN:
        st.caption(f"The newest {SHOWN} are shown. Any other is found by its number.")


def _row(order: Order) -> tuple[str, ...]:
    titles = ", ".join(f"{line.title} {line.version}" for line in order.lines)
    total = format_money(order.total_minor, order.currency)
    number = Markup(f'<a href="/operator?order={quote(order.id)}">{code(order.id)}</a>')
    return (moment_text(order.created_at), number, order.state.replace("_", " "), total, titles)


def _order(who: Person, order_id: str) -> None:
    with read(opened.shop().engine) as connection:
        order, history, buyer = operating.order_and_history(connection, who, order_id)
    with st.container(border=True, key="order-in-depth"):
        facts = {
            "Order": code(order.id), "State": order.state.replace("_", " "), "Buyer": f"{buyer.display_name} ({buyer.email})",
            "Total": format_money(order.total_minor, order.currency), "Tax in it": format_money(order.tax_minor, order.currency),
            "Payment": code(order.payment_id or "none"),
        }  # fmt: skip
        st.html(facts_html(facts))
        for line in order.lines:
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                amount = format_money(line.amount_minor, order.currency)
                st.markdown(
                    f"{plain(line.title)} {line.version} · {amount} · **{line.state.replace('_', ' ')}**",
                    width="content",
                )
                if line.state in MAY_GO_BACK and line.amount_minor:
                    _refund(who, line, amount)
        rows = [
            (moment_text(one.at), one.line_id or "order", (one.from_state or "").replace("_", " "), one.to_state.replace("_", " "), one.reason)
            for one in history
        ]  # fmt: skip
        with st.expander(f"History: {len(rows)} transitions"):
            st.html(table_html(("When (UTC)", "What", "From", "To", "Why"), rows, is_wide=True))


def _refund(who: Person, line: OrderLine, amount: str) -> None:
    with st.popover("Refund", icon=":material/undo:"):
        reason = st.text_input("Reason", key=f"why-{line.id}", max_chars=operating.MOST_REASON)
        if st.button(f"Give {amount} back", key=f"refund-{line.id}", type="primary", disabled=not reason.strip()):
            try:
                operating.refund(opened.shop(), opened.provider(), who, line.id, reason)
            except DeftworksError as error:
                st.error(plain(str(error)))
            else:
                st.rerun()
