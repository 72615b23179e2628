"""The report of a corpus as one HTML page: pictures inside, no script, nothing fetched, every word of a dataset escaped.

What does not belong here: what is said (`curation.corpus_report`); the tables of the page (`curation.corpus_sections`).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from curation.corpus_pictures import contact_strips
from curation.corpus_sections import bars, dataset_row, findings, funnel, plain, review_rules, robot_ranges, shares
from data_contracts.layout import Lake
from data_contracts.stages import write_text

Facts = Mapping[str, Any]
MAX_PICTURE_BYTES = 7_000_000
"""Of all pictures together, as they stand in the page; with the text of a few hundred datasets it stays below 10 MB."""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
STYLE = Path(__file__).with_suffix(".css")


def write_page(lake: Lake, said: Facts, path: Path) -> int:
    """Writes the page with the pictures that the lake holds, atomically, and returns its size in bytes.

    Args:
        said: what `curation.corpus_report` returns.
    """
    page = render_page(said, choose_pictures(lake, said))
    write_text(path, page)
    return len(page.encode())


def choose_pictures(lake: Lake, said: Facts, budget: int = MAX_PICTURE_BYTES) -> dict[str, dict[str, str]]:
    """Returns dataset to camera to data URI, until the budget is spent: first what is to be reviewed, then what is accepted."""
    pointed_at = [item["dataset"] for rule in said["review"] for item in rule["items"]]
    by_state = sorted(said["datasets"], key=lambda d: (d["state"] != "accepted", d["dataset"]))
    chosen: dict[str, dict[str, str]] = {}
    for name in dict.fromkeys([*pointed_at, *(dataset["dataset"] for dataset in by_state)]):
        strips = {camera: _data_uri(jpeg) for camera, jpeg in contact_strips(lake, name).items()}
        budget -= sum(map(len, strips.values()))
        if budget < 0:
            break
        chosen[name] = strips
    return chosen


def render_page(said: Facts, pictures: Mapping[str, Mapping[str, str]]) -> str:
    """Returns the page. Text that came from datasets stands in it as text, whatever it contains."""
    states = {state: count for state, count in said["states"].items() if count}
    sections = [
        _head(said),
        _section("What is left after each step", funnel(said["funnel"])),
        '<div class="columns">',
        _section("Why datasets are left out", bars(said["dataset_reasons"])),
        _section("Why episodes are left out", bars(said["episode_reasons"])),
        "</div>",
        _section("Look at this first", review_rules(said["review"])),
        _section("How far the joints reach, by robot", "".join(map(robot_ranges, said["robots"])) or "<p>Nothing was read.</p>"),
        '<div class="columns">',
        _section("Licences of what is kept", shares("licence", said["licences"], "none stated")),
        _section("Contributors of what is kept", shares("contributor", said["contributors"], "unknown")),
        "</div>",
        _section("Findings", findings(said["findings"])),
        _section("Datasets", _state_filter(states) + "".join(dataset_row(d, pictures.get(d["dataset"], {})) for d in said["datasets"])),
    ]  # fmt: skip
    body = "\n".join(sections)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Corpus {plain(said['corpus_hash'][7:19])}</title>\n"
        f"<style>\n{STYLE.read_text(encoding='utf-8')}{_filter_rules(states)}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _head(said: Facts) -> str:
    last = said["funnel"][-1]
    figures = [
        (f"{said['states']['accepted']:,}", f"of {len(said['datasets']):,} datasets"),
        (f"{last['episodes']:,}", "episodes kept"),
        (f"{last['frames']:,}", "frames"),
        (f"{last['hours']:,.2f}", "hours"),
        (f"{said['splits']['evaluation']:,}", "of the episodes for evaluation"),
    ]
    shown = "".join(f"<li><b>{plain(number)}</b><span>{plain(what)}</span></li>" for number, what in figures)
    return f'<header><h1>The corpus</h1>\n<p class="hash soft">{plain(said["corpus_hash"])}</p>\n<ul class="figures">{shown}</ul></header>'


def _state_filter(states: Mapping[str, int]) -> str:
    """Radio buttons that show the datasets of one state, by style alone."""
    choices = {"all": sum(states.values()), **states}
    buttons = "".join(
        f'<label><input type="radio" name="state" id="show-{state}"{" checked" if state == "all" else ""}> {state} ({count:,})</label>'
        for state, count in choices.items()
    )
    return f'<fieldset class="states">{buttons}</fieldset>'


def _filter_rules(states: Mapping[str, int]) -> str:
    rules = [f"body:has(#show-{state}:checked) .dataset:not(.is-{state}) {{ display: none; }}" for state in states]
    return "@media screen {\n" + "\n".join(rules) + "\n}\n"


def _section(title: str, content: str) -> str:
    return f"<section><h2>{plain(title)}</h2>\n{content}\n</section>"


def _data_uri(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
