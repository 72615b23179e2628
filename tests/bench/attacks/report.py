"""The page that the attack suite writes."""

from __future__ import annotations

import argparse

from measure import AttackResult, HonestResult

from curation.duplicates.comparison import EXACT_DRIFT, NOISY_DRIFT, PICTURE_FLOOR, PICTURE_SHARE

MUST = ("re-encode", "trim to 70%", "re-time x0.7 to x1.5", "noise of 1% of range", "mirror, pan negated")
WANTED = 0.95


def report(
    options: argparse.Namespace,
    tuning: HonestResult,
    result: HonestResult,
    limit: float,
    rate_at_limit: float,
    attacks: list[AttackResult],
) -> str:
    """Returns docs/evidence/duplicates.md."""
    short = [a.name for a in attacks if a.recall < WANTED]
    lines = [
        "# Copies: recall of each attack, and honest pairs that merge",
        "",
        f"`python tests/bench/attacks FOLDER... --victims {options.victims} --pairs {options.pairs}`, over {tuning.num_episodes + result.num_episodes} distinct",
        f"honest episodes. The score at 0.1% false positives comes from {tuning.num_episodes} of them ({tuning.num_pairs:,} pairs of the",
        f"same task); the figures below are of the other {result.num_episodes}. Each attack also encodes the video again, otherwise the",
        "encoded bytes alone would give every copy away.",
        "",
        "| attack | copies | recall | joints only | pictures only | recall at 0.1% by score |",
        "|---|---|---|---|---|---|",
        *(
            f"| {a.name}{' *' if a.name in MUST else ''} | {a.num_copies} | {a.recall:.3f} | {a.joints_only:.3f} | "
            f"{a.pictures_only:.3f} | {a.by_score:.3f} |"
            for a in attacks
        ),
        "",
        "\\* must reach 0.95. *recall*: the whole way, candidates by shared shingles and then alignment, in a corpus with all honest",
        "episodes; a copy of two counts only when related to both. *joints only*, *pictures only*: the copy beside its victim with",
        "the other kind of evidence withheld.",
        "",
        "## Honest pairs",
        "",
        "| | |",
        "|---|---|",
        f"| pairs of episodes of one task | {result.num_pairs:,} |",
        f"| merged at the fixed limits (joints drift {EXACT_DRIFT:.1%} of range, {NOISY_DRIFT:.1%} under noise; pictures {PICTURE_FLOOR} grey levels and {PICTURE_SHARE:.0%} of their change), all pairs compared | {result.num_merged} ({result.num_merged / max(result.num_pairs, 1):.3%}) |",
        f"| episodes that the whole way calls copies | {result.num_merged_by_pipeline} |",
        f"| score limit from the tuning part | {limit:.3f} (1 is the fixed limit) |",
        f"| false positives at that score | {rate_at_limit:.3%} |",
        f"| merged in the tuning part | {tuning.num_merged} of {tuning.num_pairs:,} |",
        "",
        *(
            ["Merged honest pairs:", "", *(f"- {example}" for example in result.examples[:12]), ""]
            if result.examples
            else []
        ),
        f"Short of {WANTED}: {', '.join(short) if short else 'none'}.",
        "",
    ]
    return "\n".join(lines)
