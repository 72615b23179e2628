"""The pages that people see: where a session is paid, and where an account's owner agrees. Forms only, no script, no card."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from marketplace.local_payments.bank import Bank
from marketplace.local_payments.checkout import pay_session
from marketplace.local_payments.connect import onboard
from marketplace.local_payments.errors import Refused
from marketplace.local_payments.passage import pass_time
from marketplace.local_payments.store import PLATFORM
from marketplace.money import format_money

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",  # no-referrer would make browsers send `Origin: null` with our own forms
    "X-Content-Type-Options": "nosniff",
}


def add_pages(app: FastAPI, bank: Bank) -> None:
    """Adds /pay/{session} and /onboard/{link}. Who has the address may use it, as at Stripe."""

    @app.get("/pay/{identifier}")
    async def show(identifier: str) -> Response:
        return await run_in_threadpool(_guarded, bank, lambda: _page(*_pay_page(_session(bank, identifier))))

    @app.post("/pay/{identifier}")
    async def pay(request: Request, identifier: str) -> Response:
        if not _is_sent_from_here(request):
            return _elsewhere()
        cancelled = request.query_params.get("do") == "cancel"
        return await run_in_threadpool(_guarded, bank, lambda: _paid(bank, identifier, cancelled))

    @app.get("/onboard/{identifier}")
    async def ask(identifier: str) -> Response:
        return await run_in_threadpool(_guarded, bank, lambda: _page(*_onboard_page(bank, identifier)))

    @app.post("/onboard/{identifier}")
    async def agree(request: Request, identifier: str) -> Response:
        if not _is_sent_from_here(request):
            return _elsewhere()
        return await run_in_threadpool(_guarded, bank, lambda: _onboarded(bank, identifier))


def _is_sent_from_here(request: Request) -> bool:
    """Returns whether a form was sent from this page, as browsers say it; who says nothing is no browser."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    own = f"{request.url.scheme}://{request.headers.get('host', '')}"
    return site in (None, "same-origin") and origin in (None, own)


def _elsewhere() -> Response:
    text = "<h1>Nothing was paid</h1><p>Another site sent this. Open the payment page from the shop.</p>"
    return _page("Nothing was paid", text, status=403)


def _guarded(bank: Bank, show: Callable[[], Response]) -> Response:
    pass_time(bank)
    try:
        return show()
    except Refused:
        return _page("Not found", "<h1>Not found</h1><p>There is nothing to pay at this address.</p>", status=404)


def _session(bank: Bank, identifier: str) -> dict[str, Any]:
    return bank.get(PLATFORM, "checkout.session", identifier)


def _paid(bank: Bank, identifier: str, cancelled: bool) -> Response:
    session = _session(bank, identifier)
    if cancelled and session["status"] == "open" and session["cancel_url"]:
        return _redirect(session["cancel_url"], identifier)
    with bank.store.transaction():
        session = pay_session(bank, identifier)
    if session["status"] == "complete":
        return _redirect(session["success_url"], identifier)
    return _page(*_pay_page(session), status=410)


def _onboarded(bank: Bank, identifier: str) -> Response:
    with bank.store.transaction():
        return _redirect(onboard(bank, identifier), identifier)


def _redirect(url: str, session_id: str) -> Response:
    target = url.replace("{CHECKOUT_SESSION_ID}", session_id)
    return RedirectResponse(quote(target, safe=":/%#?=@[]!$&'()*+,;~"), status_code=303, headers=HEADERS)


def _pay_page(session: dict[str, Any]) -> tuple[str, str]:
    total = escape(format_money(session["amount_total"], session["currency"].upper()))
    lines = "".join(_line(item) for item in session["line_items"]["data"])
    bill = f'<ul class="lines">{lines}</ul><p class="total"><span>Total</span><strong>{total}</strong></p>'
    if session["status"] == "complete":
        back = escape(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]))
        return "Paid", f'<h1>Paid</h1>{bill}<a class="button" href="{back}">Back to the shop</a>'
    if session["status"] == "expired":
        back = (
            f'<a class="button" href="{escape(session["cancel_url"])}">Back to the shop</a>'
            if session["cancel_url"]
            else ""
        )
        return "Expired", f"<h1>This checkout has expired</h1><p>Nothing was paid. Start again in the shop.</p>{back}"
    cancel = '<button class="quiet" formaction="?do=cancel">Cancel</button>' if session["cancel_url"] else ""
    form = f'<form method="post"><button autofocus>Pay {total} of test money</button>{cancel}</form>'
    return (
        f"Pay {total}",
        f'<h1>Checkout</h1>{bill}{form}<p class="small">No card is needed, and none is asked for.</p>',
    )


def _line(item: dict[str, Any]) -> str:
    amount = escape(format_money(item["amount_total"], item["currency"].upper()))
    often = f' <span class="small">× {item["quantity"]}</span>' if item["quantity"] != 1 else ""
    return f"<li><span>{escape(item['description'])}{often}</span><span>{amount}</span></li>"


def _onboard_page(bank: Bank, identifier: str) -> tuple[str, str]:
    link = bank.get(PLATFORM, "account_link", identifier)
    text = f"<p>Account <code>{escape(link['account'])}</code> will be able to receive test money.</p>"
    return (
        "Receive test money",
        f'<h1>Receive test money</h1>{text}<form method="post"><button autofocus>Agree</button></form>',
    )


def _page(title: str, body: str, *, status: int = 200) -> Response:
    return HTMLResponse(PAGE.replace("{title}", title).replace("{body}", body), status, HEADERS)


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · test money</title><style>
:root { color-scheme: light dark; --ground: light-dark(#f3f5f8, #0f1318); --card: light-dark(#fff, #191f27);
  --ink: light-dark(#16202c, #e8edf3); --soft: light-dark(#5a6778, #9aa7b6); --line: light-dark(#e2e7ee, #2b343f);
  --accent: light-dark(#1f5fd6, #7eaaff); --on-accent: light-dark(#fff, #0c1420);
  --warn: light-dark(#fff1c9, #3b3010); --on-warn: light-dark(#5c4300, #ffdf8a); }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: start center; padding: clamp(1rem, 8vh, 5rem) 1rem;
  background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 26rem; background: var(--card); border: 1px solid var(--line); border-radius: 16px;
  overflow: hidden; box-shadow: 0 8px 30px rgb(0 0 0 / .08); }
.notice { margin: 0; padding: .6rem 1.5rem; background: var(--warn); color: var(--on-warn); font-size: .875rem; }
.notice strong { letter-spacing: .06em; }
section { padding: 1.5rem; }
h1 { margin: 0 0 1rem; font-size: 1.375rem; line-height: 1.25; }
.lines { list-style: none; margin: 0; padding: 0; }
.lines li, .total { display: flex; justify-content: space-between; gap: 1rem; padding: .75rem 0; margin: 0;
  border-top: 1px solid var(--line); overflow-wrap: anywhere; }
.lines li > :last-child, .total strong { white-space: nowrap; font-variant-numeric: tabular-nums; }
.total { border-bottom: 1px solid var(--line); margin-bottom: 1.5rem; font-size: 1.125rem; }
form { display: grid; gap: .625rem; }
button, .button { display: block; width: 100%; padding: .8rem 1rem; border: 0; border-radius: 10px; cursor: pointer; font: inherit;
  font-weight: 600; text-align: center; text-decoration: none; background: var(--accent); color: var(--on-accent); }
button:hover, .button:hover { filter: brightness(1.07); }
.quiet { background: none; color: var(--soft); border: 1px solid var(--line); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.small { color: var(--soft); font-size: .875rem; }
section > .small { margin: 1rem 0 0; text-align: center; }
code { overflow-wrap: anywhere; }
</style></head><body><main><p class="notice"><strong>TEST MONEY</strong> · nothing is really paid here.</p>
<section>{body}</section></main></body></html>
"""
