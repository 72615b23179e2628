"""`deftworks corpus`: build the corpus from what the lake holds, and ask it questions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from deftworks.options import AsJson, Home

Corpus = Annotated[Path, typer.Argument(help="A lake, a folder with manifest.json, or a manifest file.")]


def build(home: Home = None, as_json: AsJson = False) -> None:
    """Build duplicates, corpus and skill index from what the lake holds now. Nothing is crawled or judged again.

    Does the same work as the job build_corpus in Dagster, and finds its results done.

    [bold]Examples[/bold]

      deftworks corpus build

      deftworks corpus build --home lake --json | jq .corpus_hash
    """
    from data_contracts.layout import Lake
    from deftworks.printing import err
    from pipelines.corpus_stage import make_corpus, make_duplicates, make_skill_index
    from pipelines.lake_lock import only_run
    from pipelines.settings import read_settings

    lake = Lake.at(home)
    with only_run(lake):
        skills = read_settings(lake).skills()
        for name, make in (
            ("duplicates", lambda: make_duplicates(lake)),
            ("corpus", lambda: make_corpus(lake)),
            ("skill_index", lambda: make_skill_index(lake, skills)),
        ):
            err.print(f"{name}: {'as it was' if make().is_cached else 'built'}")
    show(home, as_json=as_json)


def show(home: Home = None, as_json: AsJson = False) -> None:
    """Show the corpus in figures: the funnel, states with reasons, splits, findings, and its hash.

    [bold]Examples[/bold]

      deftworks corpus show

      deftworks corpus show --json | jq .funnel
    """
    from curation.corpus_figures import corpus_figures
    from data_contracts.layout import Lake
    from deftworks.corpus_printing import print_figures
    from deftworks.printing import print_json

    figures = corpus_figures(Lake.at(home))
    if as_json:
        print_json(figures)
    else:
        print_figures(figures)


def diff(old: Corpus, new: Corpus, as_json: AsJson = False) -> None:
    """Compare two corpora: datasets and episodes that were added, removed or changed, and why.

    Exit code 0 when they are the same, 1 when they differ.

    [bold]Examples[/bold]

      deftworks corpus diff yesterday/manifest.json .deftworks

      deftworks corpus diff lake-a lake-b --json | jq .datasets
    """
    from curation.corpus_difference import compare
    from data_contracts.manifests import CorpusManifest
    from deftworks.corpus_printing import print_difference
    from deftworks.printing import print_json

    difference = compare(*(CorpusManifest.read(manifest_path(path)) for path in (old, new)))
    if as_json:
        print_json(difference.to_json())
    else:
        print_difference(difference)
    raise typer.Exit(int(difference.old_hash != difference.new_hash))


def explain(
    name: Annotated[str, typer.Argument(help="An episode (org__name/000012) or a dataset (org__name).")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Say everything that is known of an episode or a dataset: where from, verdict, findings, copies, cameras, changes, skills.

    [bold]Examples[/bold]

      deftworks corpus explain lab-north__open-drawer/000012

      deftworks corpus explain lab-north__open-drawer --json
    """
    from curation.corpus_explanation import explain_dataset, explain_episode
    from data_contracts.identifiers import check_dataset_id, split_episode_id
    from data_contracts.layout import Lake
    from deftworks.corpus_printing import print_facts
    from deftworks.printing import print_json

    lake = Lake.at(home)
    if "/" in name:
        facts = explain_episode(lake, *split_episode_id(name))
    else:
        facts = explain_dataset(lake, check_dataset_id(name))
    if as_json:
        print_json(facts)
    else:
        print_facts(facts)


def query(
    sql: Annotated[str, typer.Argument(help="One SQL statement (DuckDB).")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Ask the lake's tables in SQL: datasets, episodes, findings, joint_ranges, duplicates, camera_roles, labels, skill_index.

    The statement sees these tables and nothing else: no file, no network.

    [bold]Examples[/bold]

      deftworks corpus query "SELECT state, count(*) FROM datasets GROUP BY state"

      deftworks corpus query "SELECT dataset_id, code FROM findings WHERE severity = 'gate'" --json
    """
    from curation.corpus_query import query as ask
    from data_contracts.layout import Lake
    from deftworks.corpus_printing import print_frame
    from deftworks.printing import print_json

    answer = ask(Lake.at(home), sql)
    if as_json:
        print_json(json.loads(answer.write_json()))
    else:
        print_frame(answer)


def report(
    home: Home = None,
    out: Annotated[Path, typer.Option(help="The page.")] = Path("corpus.html"),
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what the page says as one JSON object instead.")
    ] = False,
) -> None:
    """Write the corpus as one HTML page that needs nothing else: funnel, reasons, datasets with pictures, joint ranges.

    [bold]Examples[/bold]

      deftworks corpus report --out corpus.html

      deftworks corpus report --json | jq .review
    """
    from curation.corpus_page import write_page
    from curation.corpus_report import corpus_report
    from data_contracts.layout import Lake
    from deftworks.printing import out as console
    from deftworks.printing import print_json

    lake = Lake.at(home)
    said = corpus_report(lake)
    if as_json:
        print_json(said)
        return
    num_bytes = write_page(lake, said, out)
    console.print(f"{out}: {len(said['datasets'])} datasets, {num_bytes / 1e6:.1f} MB", markup=False)


def manifest_path(path: Path) -> Path:
    """Returns the manifest of a lake, of a corpus folder, or the file itself."""
    for candidate in (path / "corpus" / "manifest.json", path / "manifest.json"):
        if candidate.is_file():
            return candidate
    return path
