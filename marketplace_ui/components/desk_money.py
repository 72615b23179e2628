"""The operator's view of money: reconciliation, what waits between the provider and us, and what contributors are owed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from marketplace import operating
from marketplace.database import read
from marketplace.money import format_money
from marketplace_ui import opened
from marketplace_ui.components.states import said, state
from marketplace_ui.components.tables import code, table_html
from marketplace_ui.services.wording import counted, moment_text

if TYPE_CHECKING:
    from marketplace.accounts.people import Person
    from marketplace.payments.reconciliation import Difference, Report


def banner(who: Person) -> None:
    """Says in red, above everything, that provider and ledger differ."""
    with read(opened.shop().engine) as connection:
        newest = operating.reports(connection, who, 1)
    if newest and not newest[0].is_balanced:
        st.error(
            f"**The ledger and the payment provider do not agree**: {counted(len(newest[0].differences), 'difference')} at "
            f"{moment_text(newest[0].at)} UTC. Pay nobody out before each is explained.", icon=":material/gpp_bad:",
        )  # fmt: skip


def money(who: Person) -> None:
    """Draws reconciliation, what waits, and holds."""
    _reconciliation(who)
    _waiting(who)
    _holds(who)


def _reconciliation(who: Person) -> None:
    st.header("Reconciliation", anchor=False)
    if st.button("Reconcile now", type="primary", icon=":material/balance:", key="reconcile"):
        with said(), st.spinner("Comparing every movement…"):
            operating.reconcile(opened.shop(), opened.provider(), who)
            st.rerun()
    with read(opened.shop().engine) as connection:
        reports = operating.reports(connection, who)
    if not reports:
        state("Not reconciled yet", "Compare what the payment provider holds with the ledger, best every day.")
        return
    _report(reports[0])
    if len(reports) > 1:
        with st.expander(f"The {counted(len(reports) - 1, 'report')} before"):
            rows = [(moment_text(one.at), _verdict(one), str(one.num_movements)) for one in reports[1:]]
            st.html(table_html(("When (UTC)", "Verdict", "Movements"), rows, is_wide=True))


def _report(report: Report) -> None:
    held = (
        ", ".join(format_money(amount, currency) for currency, amount in sorted(report.balances.items())) or "nothing"
    )
    text = f"{moment_text(report.at)} UTC: {_verdict(report)}; {counted(report.num_movements, 'movement')}; the provider holds {held}."
    if report.is_balanced:
        st.success(text, icon=":material/check_circle:")
        return
    st.error(text, icon=":material/error:")
    st.html(
        table_html(("What", "Ours, minor units", "Theirs", "Note"), map(_difference, report.differences), is_wide=True)
    )


def _difference(one: Difference) -> tuple[str, ...]:
    ours, theirs = ("none" if amount is None else f"{amount:,}" for amount in (one.ours, one.theirs))
    return (code(one.what), ours, theirs, one.said)


def _verdict(report: Report) -> str:
    return "balanced" if report.is_balanced else f"not balanced, {counted(len(report.differences), 'difference')}"


def _waiting(who: Person) -> None:
    st.header("Waiting", anchor=False)
    with read(opened.shop().engine) as connection:
        waiting = operating.waiting(connection, who)
    if not waiting:
        st.caption("Every call to the provider is done, and every message of theirs is worked through.")
        return
    rows = [
        (one.what, code(one.name), one.order_id or "", str(one.num_attempts), moment_text(one.due_at) if one.due_at else "given up",
         one.error or "")
        for one in waiting
    ]  # fmt: skip
    st.html(table_html(("What", "Name", "Order", "Tries", "Next (UTC)", "What went wrong"), rows, is_wide=True))


def _holds(who: Person) -> None:
    st.header("What contributors are owed", anchor=False)
    with read(opened.shop().engine) as connection:
        holds = operating.holds(connection, who)
    if not holds:
        st.caption("Nothing was sold yet.")
        return
    rows = [
        (one.contributor, one.person or "nobody yet",
         *(format_money(amount, one.currency) for amount in (one.held, one.available, one.unclaimed, one.clawback)))
        for one in holds
    ]  # fmt: skip
    st.html(
        table_html(("Contributor", "Claimed by", "Held", "Available", "Unclaimed", "Owed to us"), rows, is_wide=True)
    )
