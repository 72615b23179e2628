"""The few pages that the API draws itself: forms that sign in. Streamlit cannot set a cookie that scripts cannot read; these can.

Plain HTML that works without a script, in light and dark, on a telephone and with a keyboard. Everything that came from outside is
escaped here and nowhere else. The colours are those of the shop's theme.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from starlette.responses import HTMLResponse

STYLE = """
:root { color-scheme: light dark; --ink: #191d1c; --soft: #5b625f; --page: #fbfbf9; --card: #ffffff; --line: #e2e3dc;
  --edge: #8b918d; --brand: #0f6e63; --hover: #0b5a51; --on-brand: #ffffff; --wrong: #a3261b; --wrong-page: #fdf0ee;
  --shadow: 0 1px 2px rgb(20 30 28 / .05), 0 14px 40px rgb(20 30 28 / .08); }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eceeea; --soft: #a9b1ad; --page: #121615; --card: #1b201f; --line: #2f3634; --edge: #6d7672;
    --brand: #4cc2b0; --hover: #6ad3c3; --on-brand: #08211d; --wrong: #ff9d91; --wrong-page: #33201e;
    --shadow: 0 1px 2px rgb(0 0 0 / .3), 0 14px 40px rgb(0 0 0 / .35); } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; background: var(--page); color: var(--ink); display: flex; flex-direction: column;
  align-items: center; padding: clamp(1.5rem, 7vh, 5rem) 1rem 2.5rem; -webkit-text-size-adjust: 100%;
  font: 16px/1.5 "Source Sans", "Source Sans 3", system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
.brand { display: inline-flex; align-items: center; gap: .6rem; font-weight: 700; font-size: 1.32rem; letter-spacing: -.01em;
  color: var(--brand); text-decoration: none; margin-bottom: 1.6rem; border-radius: .4rem; }
.brand svg { width: 32px; height: 32px; display: block; }
main { width: 100%; max-width: 27rem; background: var(--card); border: 1px solid var(--line); border-radius: 1rem;
  padding: 2.1rem 2.1rem 2.2rem; box-shadow: var(--shadow); }
h1 { font-size: 1.62rem; line-height: 1.22; letter-spacing: -.018em; font-weight: 700; margin: 0 0 .35rem; text-wrap: balance; }
p { margin: 0; } .lead { color: var(--soft); margin-bottom: 1.5rem; text-wrap: pretty; overflow-wrap: anywhere; }
form { display: grid; gap: 1.15rem; margin: 0; }
label { display: block; font-weight: 600; font-size: .95rem; margin-bottom: .35rem; }
label small { font-weight: 400; font-size: inherit; color: var(--soft); }
input { width: 100%; font: inherit; color: inherit; background: var(--page); border: 1px solid var(--edge);
  border-radius: .6rem; padding: .66rem .8rem; min-height: 2.9rem; }
input:focus-visible, button:focus-visible, a:focus-visible { outline: 2px solid var(--brand); outline-offset: 2px; }
input[aria-invalid] { border-color: var(--wrong); box-shadow: inset 0 0 0 1px var(--wrong); }
.hint, .wrong { font-size: .88rem; line-height: 1.4; margin-top: .38rem; color: var(--soft); } .wrong { color: var(--wrong); }
.alert { border: 1px solid color-mix(in srgb, var(--wrong) 38%, transparent); background: var(--wrong-page); color: var(--wrong);
  border-radius: .7rem; padding: .75rem .95rem; margin-bottom: 1.3rem; font-size: .95rem; line-height: 1.42; }
.alert b { display: block; font-weight: 650; }
button, .button { display: block; width: 100%; font: inherit; font-weight: 650; text-align: center; text-decoration: none;
  min-height: 3rem; padding: .7rem 1rem; border: 0; border-radius: .6rem; cursor: pointer; background: var(--brand);
  color: var(--on-brand); transition: background .15s ease; margin-top: .3rem; }
button:hover, .button:hover { background: var(--hover); }
.other { margin-top: 1.5rem; padding-top: 1.25rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .95rem; }
.other p + p { margin-top: .55rem; }
a { color: var(--brand); text-underline-offset: .18em; }
footer { margin-top: 1.4rem; font-size: .88rem; color: var(--soft); text-align: center; }
@media (max-width: 30rem) { main { padding: 1.5rem 1.25rem 1.7rem; } h1 { font-size: 1.45rem; } }
@media (prefers-reduced-motion: reduce) { * { transition: none !important; } }
"""
MARK = (
    '<svg viewBox="0 0 28 28" aria-hidden="true"><rect width="28" height="28" rx="8" fill="#1f8376"/>'
    '<path d="M8 20 13 9l8 3" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round"/>'
    '<circle cx="8" cy="20" r="2.6" fill="#fff"/><circle cx="13" cy="9" r="2.2" fill="#fff"/>'
    '<path d="M21 9.5v5m2.6-3.5v2.4" stroke="#fff" stroke-width="2" stroke-linecap="round"/></svg>'
)
_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class Field:
    """An input with its label. `wrong` says what is wrong with what was typed; `attributes` are further ones, as HTML."""

    name: str
    label: str
    autocomplete: str
    type: str = "text"
    value: str = ""
    hint: str = ""
    wrong: str = ""
    is_optional: bool = False
    attributes: str = ""


@dataclass(frozen=True)
class Form:
    """A form that posts to `action`. `hidden` are names and values beside what is typed."""

    action: str
    fields: Sequence[Field]
    button: str
    hidden: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Page:
    """A page. `notes` are lines below the form, each (text, words of its link, where to)."""

    title: str
    lead: str
    form: Form | None = None
    alert: tuple[str, str] | None = None
    notes: Sequence[tuple[str, str, str]] = ()


def drawn(page: Page, shop_title: str, status: int = 200, headers: dict[str, str] | None = None) -> HTMLResponse:
    """Returns a page as an answer, under a policy that lets it run no script and load nothing."""
    document = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(page.title)} · {escape(shop_title)}</title><style>{STYLE}</style></head>
<body><a class="brand" href="/">{MARK}<span>{escape(shop_title)}</span></a>
<main><h1>{escape(page.title)}</h1><p class="lead">{escape(page.lead)}</p>{_alert(page.alert)}{_form(page.form)}{_notes(page.notes)}</main>
<footer><a href="/">Back to the shop</a></footer></body></html>"""
    content = document.encode("utf-8", "replace")  # half of a surrogate pair is nothing that a page can hold
    return HTMLResponse(content, status, {"Content-Security-Policy": POLICY, **(headers or {})})


def _alert(alert: tuple[str, str] | None) -> str:
    if alert is None:
        return ""
    said, hint = alert
    return f'<div class="alert" role="alert"><b>{escape(said)}</b>{escape(hint)}</div>'


def _form(form: Form | None) -> str:
    if form is None:
        return ""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in form.hidden
    )
    to_focus = next((field.name for field in form.fields if field.wrong or not field.value), "")
    fields = "".join(_field(field, field.name == to_focus) for field in form.fields)
    return f'<form method="post" action="{escape(form.action)}">{hidden}{fields}<button>{escape(form.button)}</button></form>'


def _field(field: Field, has_focus: bool) -> str:
    name = escape(field.name)
    optional = " <small>(optional)</small>" if field.is_optional else ""
    flags = [
        "" if field.is_optional else "required",
        "autofocus" if has_focus else "",
        f'value="{escape(field.value)}"' if field.value else "",
        'aria-invalid="true"' if field.wrong else "",
        f'aria-describedby="{name}-said"' if field.wrong or field.hint else "",
        field.attributes,
    ]
    said, kind = (field.wrong, "wrong") if field.wrong else (field.hint, "hint")
    below = f'<p class="{kind}" id="{name}-said">{escape(said)}</p>' if said else ""
    return (
        f'<div><label for="{name}">{escape(field.label)}{optional}</label>'
        f'<input id="{name}" name="{name}" type="{field.type}" autocomplete="{field.autocomplete}" '
        f"{' '.join(filter(None, flags))}>{below}</div>"
    )


def _notes(notes: Sequence[tuple[str, str, str]]) -> str:
    if not notes:
        return ""
    lines = "".join(
        f"<p>{escape(text)}" + (f' <a href="{escape(where)}">{escape(words)}</a>' if words else "") + "</p>"
        for text, words, where in notes
    )
    return f'<div class="other">{lines}</div>'
