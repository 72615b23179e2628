"""Which licences of recordings allow what is done with them. A small table signed by people, not legal advice.

Syntax is the license-expression library's business; meaning is this table's. A licence that is not in it is refused:
nobody here has read it. Trained weights are treated as a work derived from the recordings. Whether the law sees them so is
unsettled; a shop that assumes the stricter answer needs no recall when a court gives it.

What a pack needs of every episode:

    any pack       a licence that is stated, is in the table and permits derivatives. Giving a pack away publishes it just
                   as selling it does, so a free pack is no excuse for recordings that nobody gave leave to use.
    priced pack    commercial use as well, and no share-alike: selling under the shop's terms and passing on the
                   recordings' own terms cannot both be promised.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from data_contracts.errors import LicenceRefused
from data_contracts.identifiers import episode_id
from data_contracts.skill_pack import LicenceStatement

POLICY_DATE = "2026-11-22"
MOST_NAMED = 10
"""Blocking episodes written out in a message; the error's `blocking` holds all of them."""


@dataclass(frozen=True)
class Terms:
    """What a licence permits and asks for."""

    commercial: bool
    derivatives: bool
    attribution: bool
    share_alike: bool = False


_FREE = Terms(commercial=True, derivatives=True, attribution=False)
_ATTRIBUTION = Terms(commercial=True, derivatives=True, attribution=True)
_SHARE_ALIKE = Terms(commercial=True, derivatives=True, attribution=True, share_alike=True)
_NON_COMMERCIAL = Terms(commercial=False, derivatives=True, attribution=True)
_NON_COMMERCIAL_SHARE_ALIKE = Terms(commercial=False, derivatives=True, attribution=True, share_alike=True)
_NO_DERIVATIVES = Terms(commercial=True, derivatives=False, attribution=True)
_NEITHER = Terms(commercial=False, derivatives=False, attribution=True)

TERMS: dict[str, Terms] = {
    **dict.fromkeys(("CC0-1.0", "PDDL-1.0", "0BSD", "Unlicense", "MIT-0"), _FREE),
    **dict.fromkeys(("Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC"), _ATTRIBUTION),
    **dict.fromkeys(("CC-BY-3.0", "CC-BY-4.0", "ODC-By-1.0", "CDLA-Permissive-1.0", "CDLA-Permissive-2.0"), _ATTRIBUTION),
    **dict.fromkeys(("CC-BY-SA-3.0", "CC-BY-SA-4.0", "ODbL-1.0", "CDLA-Sharing-1.0"), _SHARE_ALIKE),
    **dict.fromkeys(("CC-BY-NC-3.0", "CC-BY-NC-4.0"), _NON_COMMERCIAL),
    **dict.fromkeys(("CC-BY-NC-SA-3.0", "CC-BY-NC-SA-4.0"), _NON_COMMERCIAL_SHARE_ALIKE),
    **dict.fromkeys(("CC-BY-ND-3.0", "CC-BY-ND-4.0"), _NO_DERIVATIVES),
    **dict.fromkeys(("CC-BY-NC-ND-3.0", "CC-BY-NC-ND-4.0"), _NEITHER),
}  # fmt: skip


@cache
def terms_of(licence: str | None) -> Terms | None:
    """Returns the terms of an SPDX expression, or None where it is absent, malformed or not in the table.

    `A AND B` permits what both permit and asks for what either asks for. `A OR B` is the alternative that permits most,
    because whoever receives the recordings may choose. Case is ignored: the Hub writes `cc-by-4.0`.
    """
    from license_expression import ExpressionError, get_spdx_licensing

    if not licence or not licence.strip():
        return None
    try:
        return _terms(get_spdx_licensing().parse(licence, validate=True, strict=True))
    except ExpressionError:
        return None


def why_blocked(licence: str | None, *, is_priced: bool) -> str | None:
    """Returns why a pack may not use a recording under this licence, or None where it may."""
    terms = terms_of(licence)
    if not licence:
        return "no licence is stated"
    if terms is None:
        return f"{licence} is not a licence that this shop has read"
    if not terms.derivatives:
        return f"{licence} permits no derivatives"
    if is_priced and not terms.commercial:
        return f"{licence} permits no commercial use"
    if is_priced and terms.share_alike:
        return f"{licence} asks that what is made from it be shared alike"
    return None


class EpisodesBlocked(LicenceRefused):
    """`blocking` maps the id of every episode that stands in the way to the reason."""

    def __init__(self, blocking: Mapping[str, str], *, is_priced: bool) -> None:
        self.blocking = dict(blocking)
        named = [f"{episode} ({why})" for episode, why in self.blocking.items()]
        more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        super().__init__(
            f"{len(named)} episodes may not be used in a {'priced' if is_priced else 'published'} pack: "
            f"{', '.join(named[:MOST_NAMED])}{more}.",
            hint="Leave them out by licence, in the skill's `episodes` condition (skills.toml) or in the mixture that the base "
            "was pretrained on, or ask their contributors for another licence.",
        )


def check_licences(rows: Iterable[Mapping[str, Any]], *, is_priced: bool) -> LicenceStatement:
    """Returns what the licences of the episodes allow together.

    Args:
        rows: `dataset_id`, `episode_index` and `licence` of every training episode. An episode that is named twice (by the
            skill and by its base) counts once.

    Raises:
        EpisodesBlocked: a kind of LicenceRefused that lists every blocking episode with its reason.
    """
    licences = {episode_id(row["dataset_id"], row["episode_index"]): row["licence"] for row in rows}
    blocking = {
        episode: why
        for episode, licence in licences.items()
        if (why := why_blocked(licence, is_priced=is_priced)) is not None
    }
    if blocking:
        raise EpisodesBlocked(blocking, is_priced=is_priced)
    counts = Counter(spdx_spelling(licence) for licence in licences.values())
    terms = [found for licence in counts if (found := terms_of(licence)) is not None]
    is_commercial = all(term.commercial for term in terms)
    asks_attribution = any(term.attribution for term in terms)
    return LicenceStatement(
        permits_commercial_use=is_commercial,
        requires_attribution=asks_attribution,
        episodes_by_licence=dict(sorted(counts.items())),
        statement=_statement(counts, is_commercial, asks_attribution),
    )


@cache
def spdx_spelling(licence: str) -> str:
    """Returns a licence expression as SPDX spells it: `cc-by-4.0` becomes `CC-BY-4.0`. It must be a known one."""
    from license_expression import get_spdx_licensing

    return str(get_spdx_licensing().parse(licence, validate=True, strict=True))


def _terms(node: Any) -> Terms | None:
    children = [_terms(child) for child in getattr(node, "args", ())]
    if not children:
        return TERMS.get(getattr(node, "key", ""))
    known = [child for child in children if child is not None]
    if type(node).__name__ == "OR":
        return max(known, key=lambda term: (term.derivatives, term.commercial, not term.share_alike), default=None)
    if len(known) < len(children):
        return None
    return Terms(
        commercial=all(term.commercial for term in known),
        derivatives=all(term.derivatives for term in known),
        attribution=any(term.attribution for term in known),
        share_alike=any(term.share_alike for term in known),
    )


def _statement(counts: Mapping[str, int], is_commercial: bool, asks_attribution: bool) -> str:
    listed = ", ".join(f"{number} under {licence}" for licence, number in sorted(counts.items()))
    use = "Their licences permit commercial use." if is_commercial else "Their licences permit no commercial use."
    credit = " NOTICE names everyone who must be credited; keep it with the pack." if asks_attribution else ""
    return f"Trained on {sum(counts.values())} recorded episodes: {listed}. {use}{credit} Judged by the policy of {POLICY_DATE}."
