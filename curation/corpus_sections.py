"""The pieces of the report's page: bars, tables, joint ranges as drawings, one row per dataset.

What does not belong here: what is said (`curation.corpus_report`) and the page as a whole (`curation.corpus_page`).
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from typing import Any

Facts = Mapping[str, Any]
MOST_FINDINGS = 12
MOST_TEXT = 400
MOST_OF_AN_ITEM = 140
"""Characters in the list of what to look at; the dataset's own row says the rest."""
AXES = {"integrity": "integrity", "task_evidence": "task evidence"}
MARKS = {"gate": "✗", "warn": "!", "note": "·"}


def plain(value: object, most: int = MOST_TEXT) -> str:
    """Returns a value as text that HTML cannot mistake for anything else, also within quotes.

    Control and direction characters become a replacement character: a name must not turn the text around it.
    """
    text = str(value)
    if len(text) > most:
        text = f"{text[:most]} …"
    return html.escape("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text), quote=True)


def funnel(steps: Iterable[Facts]) -> str:
    """Returns the steps as a table; a bar is measured in datasets until episodes can be counted."""
    steps = list(steps)
    most_datasets = max((step["datasets"] for step in steps), default=0)
    most_episodes = max((step["episodes"] or 0 for step in steps), default=0)
    rows = []
    for step in steps:
        is_read = step["episodes"] is not None
        share = _share(step["episodes"], most_episodes) if is_read else _share(step["datasets"], most_datasets)
        more = [_number(step[name]) for name in ("episodes", "frames")] + [f"{step['hours']:,.2f}" if is_read else ""]
        rows.append(
            f'<tr><td>{plain(step["name"])}</td><td class="bar">{_meter(share)}</td><td class="n">{_number(step["datasets"])}</td>'
            + "".join(f'<td class="n">{cell}</td>' for cell in more)
            + "</tr>"
        )
    head = "".join(f'<th class="n">{name}</th>' for name in ("datasets", "episodes", "frames", "hours"))
    return f'<table class="funnel"><tr><th>step</th><th></th>{head}</tr>{"".join(rows)}</table>'


def bars(counts: Mapping[str, int]) -> str:
    """Returns counts by reason as bars."""
    if not counts:
        return "<p>None is.</p>"
    most = max(counts.values())
    rows = "".join(
        f'<tr><td><code>{plain(reason)}</code></td><td class="bar">{_meter(_share(count, most))}</td><td class="n">{count:,}</td></tr>'
        for reason, count in counts.items()
    )
    return f"<table>{rows}</table>"


def shares(name: str, rows: Iterable[Facts], absent: str) -> str:
    """Returns datasets, episodes and hours for each value of a column."""
    head = "".join(f'<th class="n">{column}</th>' for column in ("datasets", "episodes", "hours"))
    cells = "".join(
        f"<tr><td><bdi>{plain(row[name] or absent)}</bdi></td>"
        f'<td class="n">{row["datasets"]:,}</td><td class="n">{row["episodes"]:,}</td><td class="n">{row["hours"]:,.2f}</td></tr>'
        for row in rows
    )
    return f"<table><tr><th>{plain(name)}</th>{head}</tr>{cells}</table>" if cells else "<p>Nothing is kept.</p>"


def findings(rows: Iterable[Facts]) -> str:
    """Returns how many datasets and episodes each code concerns; `all` where it names whole datasets."""
    cells = "".join(
        f'<tr><td class="{plain(row["severity"])}">{plain(row["severity"])}</td><td><code>{plain(row["code"])}</code></td>'
        f'<td class="n">{row["datasets"]:,}</td><td class="n">{_number(row["episodes"] or None) or "all"}</td></tr>'
        for row in rows
    )
    head = '<tr><th>severity</th><th>code</th><th class="n">datasets</th><th class="n">episodes</th></tr>'
    return f"<table>{head}{cells}</table>" if cells else "<p>Nothing was found.</p>"


def review_rules(rules: Iterable[Facts]) -> str:
    """Returns what to look at first, a list per rule."""
    shown = []
    for rule in rules:
        items = "".join(
            f"<li>{_link(item['dataset'])} {plain(item['what'], MOST_OF_AN_ITEM)}</li>" for item in rule["items"]
        )
        more = f"<li>… and {rule['num_more']:,} more</li>" if rule["num_more"] else ""
        shown.append(
            f'<div class="rule"><h3>{plain(rule["title"])}</h3><p class="soft">{plain(rule["why"])}</p><ul>{items}{more}</ul></div>'
        )
    return f'<div class="columns">{"".join(shown)}</div>' if shown else "<p>No rule points at anything.</p>"


def robot_ranges(robot: Facts) -> str:
    """Returns a robot's joints: a line per dataset from its lowest to its highest value, a tick at its centre."""
    rows = "".join(
        f'<tr><td class="name"><code>{plain(joint["name"])}</code></td><td>{_drawing(joint)}</td>'
        f'<td class="n">{joint["low"]:.4g} … {joint["high"]:.4g}</td></tr>'
        for joint in robot["joints"]
    )
    left_out = robot["num_joints"] - len(robot["joints"])
    more = f'<p class="soft">… and {left_out} more dimensions.</p>' if left_out > 0 else ""
    name = plain(robot["robot_type"] or "robot not stated")
    count = robot["datasets"]
    return (
        f'<div class="robot"><h3><bdi>{name}</bdi> <span class="soft">{count:,} dataset{"" if count == 1 else "s"}, '
        f"a line each, in the source's unit</span></h3><table>{rows}</table>{more}</div>"
    )


def dataset_row(dataset: Facts, pictures: Mapping[str, str]) -> str:
    """Returns one dataset: what became of it and why, what was found, what it looks like."""
    state = plain(dataset["state"])
    roles = {camera["camera_key"]: camera["role"] for camera in dataset["cameras"]}
    strips = "".join(
        f'<figure><img src="{plain_uri(uri)}" alt="frames of camera {plain(camera)}" width="480" height="90">'
        f"<figcaption><bdi>{plain(camera.rpartition('.')[2])}</bdi>: {plain(roles.get(camera, 'role not known'))}</figcaption></figure>"
        for camera, uri in pictures.items()
    )
    facts = [
        dataset["robot_type"] or "robot not stated",
        f"{dataset['num_episodes_kept']:,} of {dataset['num_episodes']:,} episodes",
        f"{dataset['num_frames_kept']:,} of {dataset['num_frames']:,} frames",
        dataset["licence"] or "no licence stated",
        f"by {dataset['contributor']}",
    ]
    origin = (
        f"{dataset['repository']}@{dataset['revision'][4:16]}"
        if dataset["repository"]
        else dataset["revision"] or "never had"
    )
    reason = f"<p>{plain(dataset['reason'])}</p>" if dataset["reason"] else ""
    return (
        f'<article class="dataset is-{state}{"" if strips else " bare"}" id="{_anchor(dataset["dataset"])}"><div>'
        f'<h3><bdi>{plain(dataset["dataset"])}</bdi> <span class="state {state}">{state}</span></h3>{reason}'
        f'<p class="soft">{" · ".join(f"<bdi>{plain(fact)}</bdi>" for fact in facts)}<br><span class="hash">{plain(origin)}</span></p>'
        f'{_finding_list(dataset["findings"])}</div>{f"""<div class="strips">{strips}</div>""" if strips else ""}</article>\n'
    )


def plain_uri(uri: str) -> str:
    """Returns a picture's data URI; anything else becomes empty."""
    return html.escape(uri, quote=True) if uri.startswith("data:image/jpeg;base64,") else ""


def _finding_list(findings: Mapping[str, list[Facts]]) -> str:
    parts = []
    for axis, title in AXES.items():
        rows = findings[axis]
        items = "".join(
            f'<li><span class="{plain(row["severity"])}">{MARKS[row["severity"]]} {plain(row["code"])}</span> '
            f"{_episodes(row['num_episodes'])}{plain(row['message'])}</li>"
            for row in rows[:MOST_FINDINGS]
        )
        more = f"<li>… and {len(rows) - MOST_FINDINGS} more</li>" if len(rows) > MOST_FINDINGS else ""
        if items:
            parts.append(f'<ul><li class="soft">{title}</li>{items}{more}</ul>')
    return "".join(parts)


def _drawing(joint: Facts) -> str:
    """The ranges of one joint on a common scale, 1000 units wide, 5 high per dataset."""
    low, span = joint["low"], (joint["high"] - joint["low"]) or 1.0

    def x(value: float) -> str:
        return f"{1000 * (value - low) / span:.1f}"

    lines = []
    for number, row in enumerate(joint["ranges"]):
        y = 4 + 5 * number
        lines.append(
            f"<g><title>{plain(row['dataset'])}: {row['low']:.4g} … {row['high']:.4g}, centre {row['centre']:.4g}</title>"
            f'<path class="extent" d="M{x(row["low"])} {y}H{x(row["high"])}"/><path class="centre" d="M{x(row["centre"])} {y - 2}v4"/></g>'
        )
    height = 3 + 5 * len(joint["ranges"])
    middle = f'<path class="middle" d="M{x(joint["middle"])} 0v{height}"/>'
    return (
        f'<svg viewBox="0 0 1000 {height}" height="{height}" preserveAspectRatio="none" role="img" '
        f'aria-label="ranges of {joint["num_datasets"]} datasets">{middle}{"".join(lines)}</svg>'
    )


def _episodes(count: int | None) -> str:
    return "" if count is None else f'<span class="soft">{count:,} episode{"" if count == 1 else "s"}:</span> '


def _link(dataset: str) -> str:
    return f'<a href="#{_anchor(dataset)}"><bdi>{plain(dataset)}</bdi></a>'


def _anchor(dataset: str) -> str:
    return f"d-{plain(dataset)}"


def _meter(share: float) -> str:
    return f'<span class="meter" style="width:{100 * share:.1f}%"></span>' if share else ""


def _share(count: int | None, most: int) -> float:
    return (count or 0) / most if most else 0.0


def _number(count: int | None) -> str:
    return "" if count is None else f"{count:,}"
