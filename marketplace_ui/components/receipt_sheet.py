"""A receipt as one sheet. Amounts are exact; what was given back stands beside what was paid."""

from __future__ import annotations

from html import escape

from marketplace.accounts.people import Person
from marketplace.money import format_money
from marketplace.orders import Order, OrderLine
from marketplace.settings import ShopSettings
from marketplace_ui.services.countries import country_name
from marketplace_ui.services.order_wording import when

GIVEN_BACK = ("refunded", "charged_back")


def receipt_html(order: Order, buyer: Person, settings: ShopSettings, *, is_test: bool) -> str:
    """Returns the sheet of a paid order."""
    test = '<p class="dw-stamp">Test money: this is no receipt of a real payment</p>' if is_test else ""
    facts = {
        "Order": order.id, "Paid": when(order.paid_at or order.created_at), "Payment": order.payment_id or "nothing to pay",
        "Sold by": settings.seller, "Sold to": f"{buyer.display_name}, {buyer.email}", "Country": country_name(order.country),
    }  # fmt: skip
    about = "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in facts.items())
    rows = "".join(_line(line, order.currency) for line in order.lines)
    return (
        f'<article class="dw-receipt"><header><h1>Receipt</h1><b>{escape(settings.title)}</b></header>{test}'
        f'<dl class="dw-facts">{about}</dl><table class="dw-table"><thead><tr><th scope="col">Skill pack</th>'
        f'<th scope="col" class="dw-amount">Amount</th></tr></thead><tbody>{rows}</tbody><tfoot>{_sums(order)}</tfoot></table></article>'
    )


def _line(line: OrderLine, currency: str) -> str:
    return (
        f"<tr><td><b>{escape(line.title)}</b> {escape(line.version)}"
        f'<div class="dw-small dw-muted dw-digest">{escape(line.pack_id)}</div></td>'
        f'<td class="dw-amount">{format_money(line.amount_minor, currency)}</td></tr>'
    )


def _sums(order: Order) -> str:
    back = sum(line.amount_minor for line in order.lines if line.state in GIVEN_BACK)
    tax = f"of it tax: {format_money(order.tax_minor, order.currency)}" if order.tax_minor else "no tax is part of it"
    rows = [("Total", order.total_minor, tax)]
    if back:
        rows += [("Given back", -back, ""), ("Left", order.total_minor - back, "")]
    return "".join(
        f'<tr><th scope="row">{name} <span class="dw-muted">{small}</span></th>'
        f'<td class="dw-amount"><b>{format_money(amount, order.currency)}</b></td></tr>'
        for name, amount, small in rows
    )
