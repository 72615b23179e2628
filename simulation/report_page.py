"""The page that shows an evaluation to people: one HTML file, which needs nothing but the videos beside it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 2rem; } th, td { text-align: left; padding: .3rem .6rem; }
th { border-bottom: 2px solid #1b1f24; } td { border-bottom: 1px solid #d6dae0; vertical-align: top; }
.bar { position: relative; height: .6rem; width: 10rem; background: #eceff3; }
.bar i { position: absolute; top: .05rem; height: .5rem; background: #8fb4de; }
.bar b { position: absolute; top: 0; width: 2px; height: .6rem; background: #12406f; }
.note { color: #57606a; } .yes { color: #116329; font-weight: 600; } .no { color: #a40e26; }
figure { display: inline-block; width: 14rem; margin: 0 1rem 1rem 0; } video { width: 14rem; } figcaption { font-size: .8rem; } .badge { background: #1b1f24; color: #fff; padding: .1rem .5rem; }
"""


def report_page(info: dict[str, Any]) -> str:
    """Returns the page for what `evaluation_results.eval_info` made."""
    ours = info["deftworks"]
    title = f"{ours['policy']['name']} on {ours['suite']['title']}"
    body = [
        f"<h1>{escape(title)}</h1>",
        "<p><span class=badge>SIMULATION</span> Every rate is of simulated rollouts. Intervals are 95% Wilson.</p>",
        _facts(ours),
        "<h2>Per task</h2>",
        _table(ours["cells"], ours["verdicts"], "world"),
        "<h2>Per group</h2>",
        _table(ours["groups"], [], "group"),
        _videos(info),
    ]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style>{''.join(body)}</html>\n"
    )


def _facts(ours: dict[str, Any]) -> str:
    seeds, checked = ours["seeds"], ours["checked_starts"]
    facts = [
        f"{seeds['num']} rollouts per task, start and entrant, seeds {seeds['first']} to {seeds['last']}.",
        *_policy_facts(ours["policy"]),
        starts_checked(checked),
    ]
    if ours["verdicts"]:
        facts.append("A policy is above every baseline where its interval begins above the end of each of theirs.")
    if offline := ours.get("held_out_error"):
        facts.append(held_out_said(offline))
    return "<ul>" + "".join(f"<li>{fact}</li>" for fact in facts) + "</ul>"


def _policy_facts(policy: dict[str, Any]) -> list[str]:
    if "digest" not in policy:
        return []
    return [
        f"{policy['executed_steps']} of {policy['chunk_size']} actions of each chunk are executed, on {policy['device']}.",
        f"Policy <code>{escape(policy['digest'])}</code>.",
    ]


def held_out_said(offline: dict[str, Any]) -> str:
    """Returns in one sentence what `pipelines.held_out_error` measured, and that it is no success rate."""
    return (
        f"Not success: on {offline['num_frames']} frames of {offline['num_episodes']} held-out episodes, predicted actions are "
        f"off by {offline['relative_error']:.2f} of the actions' own spread (1 is what always predicting their mean gives)."
    )


def starts_checked(checked: dict[str, Any]) -> str:
    """Returns in one sentence how it is known that no demonstration used an evaluation's start."""
    silent = checked["datasets_without_seeds"]
    unknown = (
        f" Not known for {', '.join(silent)}: these do not say from which seeds they were recorded." if silent else ""
    )
    nearest = checked["nearest_layout"]
    if not nearest:
        return f"Evaluation seeds are never used by recorders here; no seeds of demonstrations were given.{unknown}"
    number, world = sum(checked["num_demonstration_seeds"].values()), min(nearest, key=lambda name: nearest[name])
    return (
        f"No evaluation shares a seed or the places of its objects with {number} demonstration seeds; the nearest are "
        f"{nearest[world]:.2g} apart ({world}).{unknown}"
    )


def _table(cells: Sequence[dict[str, Any]], verdicts: Sequence[dict[str, Any]], place: str) -> str:
    judged = {(one["world"], one["start"]): one for one in verdicts}
    lines: list[str] = []
    told: dict[tuple[str, str], str] = {}
    for cell in cells:
        where = cell[place], cell["start"]
        is_first = where not in told
        instruction = told.setdefault(where, cell["instruction"])
        other = "" if cell["instruction"] == instruction else _note(f"told “{cell['instruction']}”")
        lines.append(
            f"<tr><td>{_place(cell, place) if is_first else ''}<td>{escape(cell['entrant'])}{other}"
            f"<td>{cell['num_successes']} of {cell['num_rollouts']}<td>{_bar(cell)}<td>{cell['low']:.0%} to {cell['high']:.0%}"
            + (f"<td>{_verdict(judged.get(where) if is_first else None)}" if verdicts else "")
        )
    names = (place, "who", "successes", "", "interval", *(["above every baseline"] if verdicts else []))
    return f"<table><tr>{''.join(f'<th>{name}' for name in names)}{''.join(lines)}</table>"


def _place(cell: dict[str, Any], place: str) -> str:
    return (
        escape(cell[place])
        + _note(f"{cell['start']} starts")
        + (_note(f"“{cell['instruction']}”") if cell["instruction"] else "")
    )


def _note(text: str) -> str:
    return f"<br><span class=note>{escape(text)}</span>"


def _bar(cell: dict[str, Any]) -> str:
    low, high, rate = (100 * cell[name] for name in ("low", "high", "rate"))
    return (
        f'<div class=bar><i style="left:{low:.1f}%;width:{high - low:.1f}%"></i><b style="left:{rate:.1f}%"></b></div>'
    )


def _verdict(verdict: dict[str, Any] | None) -> str:
    if verdict is None:
        return ""
    said = "yes" if verdict["is_above"] else "no"
    numbers = f"{verdict['policy_low']:.0%} against {verdict['baseline_high']:.0%} ({verdict['best_baseline']})"
    return f"<span class={said}>{said}</span>{_note(numbers)}"


def _videos(info: dict[str, Any]) -> str:
    infos = [info, *info["deftworks"]["other_starts"].values()]
    paths = [path for one in infos for path in one["overall"]["video_paths"]]
    if not paths:
        return ""
    shown = "".join(
        f'<figure><video controls preload=metadata src="{escape(path)}"></video>'
        f"<figcaption class=note>{escape(path.removeprefix('videos/'))}</figcaption></figure>"
        for path in paths
    )
    return f"<h2>Videos</h2>{shown}"
