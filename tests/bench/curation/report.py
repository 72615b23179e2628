"""The benchmark's figures as docs/evidence/curation.md: what falls short first, then every code and strength by family."""

from __future__ import annotations

import math
from collections.abc import Sequence

from data_contracts.findings import CODES
from tests.bench.curation.examine import Answer
from tests.bench.curation.figures import (
    Figures,
    Share,
    crashes,
    figures,
    raised_on_controls,
    raised_on_untouched,
)
from tests.bench.curation.injection import Injection
from tests.bench.curation.injections import WITHOUT_INJECTION

MUST_HOLD_FAMILIES = ("structure", "time")
MUST_HOLD = frozenset({
    "motion.static", "motion.stub", "motion.jump", "motion.wrap", "motion.raw_counts", "motion.not_finite", "video.undecodable",
    "video.black", "video.frozen", "video.codec_mismatch", "video.size_mismatch", "agreement.video_joint_mismatch",
})  # fmt: skip
"""What must reach a recall of 0.95 at 1% false positives at the middle strength, with all of structure and time."""
MIDDLE = 1
HEADER = """# Defect benchmark: do the detectors find what is wrong?

`{command}` plants one defect at a time into clean episodes, has the dataset judged by `curation.quality.judge` as any
other, and compares what is said with what was done. What plants (`tests/bench/curation/inject_*.py`) shares no code with what
detects (`curation/quality/`), and the judge is told nothing but a folder and a name.
"""
SEEN = """
Limits were chosen with these episodes in view; [curation_held_out.md](curation_held_out.md) is on others.
"""
HELD_OUT = """
**Held out**: seeds from 800,000 on, recorded after the limits were chosen. Same worlds, cameras and labs as in
[curation.md](curation.md), other goals, paths and noise; limits were not changed since.
"""
METHOD = """
## How to read it

- *n*: damaged episodes, or damaged datasets where the defect is one of the whole dataset. *recall*: part of them for which the code
  was raised, with Wilson's 95% interval. *false*: the same over all clean episodes (datasets). A finding of any severity counts,
  on both sides; *says* names the severities met. Notes on the unit and zero of joints describe and do not accuse: they count
  where they say something new of a damaged dataset, and not on clean ones.
- *AUROC*: of the detector's continuous score where it has one (marked s), else of raised or not. *at 1%*: recall at the score that 1%
  of the clean episodes exceed. *length*: AUROC of a baseline that knows only how many frames the clean episode has (the best of
  long, short and unusual); a detector that is no better reads length. *random*: of random numbers, to show the spread of chance.
- *bar*: recall at least 0.95 at no more than 1% false positives, at the detector's own point or by its score. It must hold at the
  middle strength (**bold**) for structure, time, static, stub, jump, wrap, raw counts, not finite, undecodable, black, frozen,
  shifted or foreign video, codec and size. Elsewhere it is shown and binds nobody.
- Each defect is planted into up to a third of the episodes of a dataset (held out: a tenth, since only jumps and foreign videos are
  planted there, and a dataset full of these is none), at most one an episode, and keeps the episode's
  length (a clean episode of the same length is its own twin); what shortens an episode (stub) has controls cut short without being
  wrong. Defects of rows are judged before videos are looked at, as the crawl does.
- A code that is true of a clean dataset too (a gripper that is never used is a dead dimension, all of these are simulations) counts
  as found only where something new is said, and its clean episodes count on neither side.
- Strengths in parts of a joint's range mean its range over the clean dataset; blur is in pixels of a picture of 480 lines; wrap:
  the part of the motion that lies beyond 180 degrees.
"""
COLUMNS = "| code | defect | strength | n | recall (95%) | false (95%) | AUROC | at 1% | length | random | says | bar |"
RULE = "|---|---|---|---:|---|---|---:|---:|---:|---:|---|---|"


def report(
    injections: Sequence[Injection], answers: Sequence[Answer], *, is_quick: bool, is_held_out: bool = False
) -> str:
    """Returns the whole document."""
    simulated, real = _halves(answers)
    of_simulated = figures(injections, simulated)
    seen = HELD_OUT if is_held_out else SEEN
    header = HEADER.format(command="make bench-curation-held-out" if is_held_out else "make bench-curation")
    parts = [header, _corpus(simulated, real, is_quick) + seen, _shortfalls(of_simulated, answers), METHOD]
    for family in CODES:
        rows = [row for row in of_simulated if row.injection.code.startswith(f"{family}.")]
        if rows:
            parts.append(f"\n## {family}\n\n{_table(rows)}\n")
    parts += [_controls(simulated), _untouched(simulated), _real(injections, real), _without()]
    return "\n".join(part.strip("\n") + "\n" for part in parts if part)


def summary(injections: Sequence[Injection], answers: Sequence[Answer]) -> str:
    """Returns the lines that fall short, for the terminal."""
    return _shortfalls(figures(injections, _halves(answers)[0]), answers).strip()


def _halves(answers: Sequence[Answer]) -> tuple[list[Answer], list[Answer]]:
    return (
        [answer for answer in answers if not answer.variant.subject.is_real],
        [answer for answer in answers if answer.variant.subject.is_real],
    )


def must_hold(row: Figures) -> bool:
    """True for the middle strength of what the bar binds."""
    code = row.injection.code
    return row.injection.rank == MIDDLE and (code.partition(".")[0] in MUST_HOLD_FAMILIES or code in MUST_HOLD)


def _corpus(simulated: list[Answer], real: list[Answer], is_quick: bool) -> str:
    clean = [answer.variant.subject for answer in simulated if not answer.variant.planted]
    clean_real = [answer.variant.subject for answer in real if not answer.variant.planted]
    planted = sum(
        len(answer.variant.planted) - len(answer.left_out) for answer in answers_with_defects([*simulated, *real])
    )
    lines = [
        f"Clean: {sum(subject.num_episodes for subject in clean):,} simulated episodes in {len(clean)} datasets of "
        f"{len({subject.world for subject in clean})} worlds (`tests/bench/curation/community.toml`; formats v2.0, "
        "v2.1 and v3.0, AV1 and H.264, one to three cameras of 96x96 to 240x320).",
        f"Real: {sum(subject.num_episodes for subject in clean_real)} episodes in {len(clean_real)} datasets, reported apart."
        if clean_real
        else "Real: none (DEFTWORKS_REAL_DATASETS was not set).",
        f"Planted: {planted:,} defects in {len(answers_with_defects([*simulated, *real])):,} damaged datasets.",
    ]
    if is_quick:
        lines.append(
            "**This is a quick run: few episodes per defect and few clean ones, so intervals are wide. `make bench-curation` makes the whole.**"
        )
    return "\n".join(f"{line}  " for line in lines)


def answers_with_defects(answers: Sequence[Answer]) -> list[Answer]:
    return [answer for answer in answers if answer.variant.planted]


def _shortfalls(rows: list[Figures], answers: Sequence[Answer]) -> str:
    bound = [row for row in rows if must_hold(row)]
    short = [row for row in bound if not row.holds]
    lines = ["## What falls short", ""]
    lines.append(f"The bar binds {len(bound)} rows; {len(bound) - len(short)} hold it.")
    if short:
        lines += ["", "These do not:", ""]
        lines += [
            f"- `{row.injection.code}`, {_how(row)}: recall {row.recall.value:.2f} of {row.recall.n}, "
            f"false positives {_percent(row.false.value)}{_by_score(row)}"
            for row in sorted(short, key=lambda row: row.recall.value)
        ]
    weak = [row for row in rows if row.injection.rank == MIDDLE and not must_hold(row) and not row.holds]
    if weak:
        lines += ["", "Codes that the bar does not bind and that do not reach it at the middle strength:", ""]
        lines.append(", ".join(f"`{row.injection.code}` ({_how(row)}: {row.recall.value:.2f} at {_percent(row.false.value)})" for row in weak) + ".")  # fmt: skip
    failed = crashes(answers)
    lines += [
        "",
        f"Datasets on which judging raised an error: {len(failed)}."
        if failed
        else "No dataset made judging raise an error.",
    ]
    lines += [f"- {line[:300]}" for line in failed[:10]]
    return "\n".join(lines)


def _how(row: Figures) -> str:
    return row.injection.form if row.injection.strength == "-" else f"{row.injection.form}, {row.injection.strength}"


def _by_score(row: Figures) -> str:
    return "" if row.recall_by_score is None else f"; {row.recall_by_score:.2f} at 1% by its score"


def _table(rows: list[Figures]) -> str:
    return "\n".join([COLUMNS, RULE, *(_line(row) for row in rows)])


def _line(row: Figures) -> str:
    injection = row.injection
    strength = (
        f"**{injection.strength}**" if injection.rank == MIDDLE and injection.strength != "-" else injection.strength
    )
    cells = (
        f"`{injection.code.partition('.')[2]}`", injection.form, strength, str(row.recall.n), _interval(row.recall),
        _interval(row.false, percent=True), f"{_number(row.auroc)}{' s' if row.is_scored else ''}",
        _number(row.recall_by_score), _number(row.length_auroc), _number(row.random_auroc), ", ".join(row.severities) or "-",
        _verdict(row),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _verdict(row: Figures) -> str:
    if must_hold(row):
        return "met" if row.holds else "**not met**"
    return "(yes)" if row.holds else "(no)"


def _number(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.2f}"


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.1f}%"


def _interval(share: Share, *, percent: bool = False) -> str:
    low, high = share.interval
    if not share.n:
        return "-"
    if percent:
        return f"{_percent(share.value)} ({_percent(low)} to {_percent(high)})"
    return f"{share.value:.2f} ({low:.2f} to {high:.2f})"


def _controls(answers: list[Answer]) -> str:
    lines = ["## Controls: episodes that were handled and not damaged", ""]
    for control, shares in raised_on_controls(answers).items():
        raised = ", ".join(
            f"`{code}` {_interval(share, percent=True)}" for code, share in sorted(shares.items()) if code
        )
        lines.append(f"- {control} ({shares[''].n} episodes): {raised or 'nothing was raised'}")
    return "\n".join(lines)


def _untouched(answers: list[Answer]) -> str:
    lines = ["## Untouched episodes of datasets in which others are damaged", ""]
    lines.append("Raised falsely, because what is usual in the dataset was moved by its neighbours:")
    shares = raised_on_untouched(answers)
    lines += ["", *(f"- `{code}` {_interval(share, percent=True)} of {share.n:,}" for code, share in shares.items())]
    return "\n".join(lines if shares else [*lines[:2], "Nothing was raised for them."])


def _real(injections: Sequence[Injection], answers: list[Answer]) -> str:
    if not answers:
        return ""
    rows = figures(injections, answers)
    clean = [answer for answer in answers if not answer.variant.planted]
    total = sum(answer.variant.subject.num_episodes for answer in clean)
    lines = ["## Real recordings", ""]
    lines.append(f"Raised for the {total} clean real episodes beyond what a look by hand found true:")
    raised = sorted(
        {code for answer in clean for code, *_ in answer.findings if code not in answer.variant.subject.known}
    )
    lines += [""]
    for code in raised:
        where = [
            f"{answer.variant.subject.id} ({len(answer.episodes_with(code))})"
            for answer in clean
            if answer.said_of(code) and code not in answer.variant.subject.known
        ]
        lines.append(f"- `{code}`: {', '.join(where)}")
    return "\n".join([*lines, "", _table(rows)] if rows else lines)


def _without() -> str:
    lines = ["## Codes that nothing is planted for", ""]
    return "\n".join([*lines, *(f"- `{code}`: {reason}" for code, reason in WITHOUT_INJECTION.items())])
