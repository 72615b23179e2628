"""Small tables and lists of facts as HTML that takes the page's colours; every value is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape


class Markup(str):
    """Text that is markup already, made by a component of this folder."""

    __slots__ = ()


def code(text: str) -> Markup:
    """Returns a name as code; it may break after a dot, so that a narrow table shows all of it."""
    broken = escape(text).replace(".", ".<wbr>")
    return Markup(f"<code>{broken}</code>")


def table_html(headings: Sequence[str], rows: Iterable[Sequence[str]], *, is_wide: bool = False) -> str:
    """Returns a table that scrolls sideways by itself on a narrow screen; a wide one breaks no line but in its last column."""
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    body = "".join(f"<tr>{''.join(f'<td>{_cell(cell)}</td>' for cell in row)}</tr>" for row in rows)
    kind = "dw-table dw-wide" if is_wide else "dw-table"
    return f'<div class="dw-scroll"><table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def facts_html(facts: Mapping[str, str]) -> str:
    """Returns names with values, in columns."""
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{_cell(value)}</dd></div>" for name, value in facts.items())
    return f'<dl class="dw-facts">{items}</dl>'


def _cell(value: str) -> str:
    return value if isinstance(value, Markup) else escape(value)
