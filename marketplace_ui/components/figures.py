"""Figures of sales: what was paid, given back and divided, by pack, month and contributor. Every amount is the ledger's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import streamlit as st

from marketplace.database import read
from marketplace.money import format_money
from marketplace.sales_figures import Turnover, own_balances, own_earnings, turnover
from marketplace_ui import opened
from marketplace_ui.components.states import state
from marketplace_ui.components.tables import facts_html, table_html

if TYPE_CHECKING:
    from marketplace.accounts.people import Person

PARTS = ("gross", "returned", "fees", "tax", "platform")


def own(who: Person) -> None:
    """Draws what a contributor earned and what waits for them."""
    with read(opened.shop().engine) as connection:
        balances, earned = own_balances(connection, who), own_earnings(connection, who)
    st.header("Yours", anchor=False)
    if not balances:
        st.caption("No pack with your recordings was sold yet.")
        return
    for one in balances:
        facts = {
            "As contributor": one.contributor,
            "Held until refunds are over": format_money(one.held, one.currency),
            "Available": format_money(one.available, one.currency),
            "From before the name was yours": format_money(one.unclaimed, one.currency),
        } | ({"Owed to the shop": format_money(one.clawback, one.currency)} if one.clawback else {})
        with st.container(border=True):
            st.html(facts_html(facts))
    st.caption(
        "Paying out comes later. A share is by the frames of yours that a pack learnt from, fixed when its version was made."
    )
    rows = [(one.month, one.skill_id, format_money(one.amount, one.currency)) for one in earned]
    st.html(table_html(("Month", "Pack", "Earned"), rows, is_wide=True))


def everything(who: Person) -> None:
    """Draws every pack's figures."""
    with read(opened.shop().engine) as connection:
        rows = turnover(connection, who)
    if not rows:
        state("Nothing was sold yet", "The first sale appears here as soon as it is paid.")
        return
    for currency in sorted({one.currency for one in rows}):
        _currency(currency, [one for one in rows if one.currency == currency])


def _currency(currency: str, rows: list[Turnover]) -> None:
    st.header(f"Sales in {currency}", anchor=False)
    total = {part: sum(getattr(one, part) for one in rows) for part in PARTS}
    shared = sum(sum(one.contributors.values()) for one in rows)
    st.html(
        facts_html({
            "Packs sold": f"{sum(one.num_sold for one in rows):,}",
            "Paid": format_money(total["gross"], currency), "Given back": format_money(total["returned"], currency),
            "Kept by the provider": format_money(total["fees"], currency), "Tax": format_money(total["tax"], currency),
            "Platform, after fees": format_money(total["platform"], currency), "Contributors": format_money(shared, currency),
        })
    )  # fmt: skip
    st.altair_chart(_chart(rows, currency), alt=f"Paid less given back in {currency}, by month and pack")
    by_month, by_pack, by_contributor = st.tabs(["By month", "By pack", "By contributor"])
    by_month.html(_table("Month", currency, _grouped(rows, "month")))
    by_pack.html(_table("Pack", currency, _grouped(rows, "skill_id")))
    by_contributor.html(_contributors(currency, rows))


def _grouped(rows: Iterable[Turnover], name: str) -> dict[str, list[Turnover]]:
    found: dict[str, list[Turnover]] = {}
    for one in rows:
        found.setdefault(getattr(one, name), []).append(one)
    return found


def _table(heading: str, currency: str, groups: dict[str, list[Turnover]]) -> str:
    rows = [
        (
            name, str(sum(one.num_sold for one in group)), str(sum(one.num_returned for one in group)),
            *(format_money(sum(getattr(one, part) for one in group), currency) for part in PARTS),
            format_money(sum(sum(one.contributors.values()) for one in group), currency),
        )
        for name, group in groups.items()
    ]  # fmt: skip
    headings = ("Sold", "Returned", "Paid", "Given back", "Provider", "Tax", "Platform", "Contributors")
    return table_html((heading, *headings), rows, is_wide=True)


def _contributors(currency: str, rows: list[Turnover]) -> str:
    earned: Counter[tuple[str, str]] = Counter()
    for one in rows:
        earned.update({(name, one.skill_id): amount for name, amount in one.contributors.items()})
    totals: Counter[str] = Counter()
    for (name, _), amount in earned.items():
        totals[name] += amount
    ordered = sorted(earned.items(), key=lambda item: (-totals[item[0][0]], item[0]))
    drawn = [(name, skill_id, format_money(amount, currency)) for (name, skill_id), amount in ordered]
    return table_html(("Contributor", "Pack", "Earned, refunds taken off"), drawn, is_wide=True)


def _chart(rows: list[Turnover], currency: str):
    import altair

    from marketplace.money import decimals_of

    unit = 10 ** decimals_of(currency)
    values = [{"month": one.month, "pack": one.skill_id, "amount": (one.gross - one.returned) / unit} for one in rows]
    width_px = min(56, 640 // len({one.month for one in rows}))
    return altair.Chart(altair.Data(values=values)).mark_bar(size=width_px).encode(
        x=altair.X("month:O", title=None, axis=altair.Axis(labelAngle=0, labelOverlap=True)),
        y=altair.Y("sum(amount):Q", title=f"{currency}, refunds off"),
        color=altair.Color("pack:N", title=None, scale=altair.Scale(scheme="tealblues"), legend=altair.Legend(orient="bottom", columns=2)),
        tooltip=["month:O", "pack:N", altair.Tooltip("sum(amount):Q", title=currency, format=",.2f")],
    ).properties(height=320)  # fmt: skip
