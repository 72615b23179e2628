"""Source `hub:...`: which datasets of the Hub are candidates, and at which commit each of them stands.

A listing by tag or author brings the commits along, a page per request, so that a dataset which did not change costs nothing of
its own. Named datasets are asked about one by one. What was listed before and is not any more stays listed, as gone.
"""

from __future__ import annotations

import contextvars
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from curation.sources.collisions import distinct_ids, short_digest
from curation.sources.hub.client import Hub, Listed
from curation.sources.hub.patience import Patience, patience
from curation.sources.hub.query import parse_query
from curation.sources.hub.records import GONE, UNKNOWN, known_repositories, sha_of, stamp
from curation.sources.source import Entry, contributor_of
from data_contracts.errors import ContractError, Gated, Gone, SourceUnavailable
from data_contracts.identifiers import NO_ORG, dataset_id
from data_contracts.layout import Lake
from data_contracts.manifests import CrawlRecord

NUM_QUESTIONS = 8
"""Named datasets that are asked about at a time."""


class HubSource:
    """Lists the datasets that a query names."""

    def __init__(self, lake: Lake, spec: str) -> None:
        self.lake = lake
        self.spec = spec
        self.query = parse_query(spec)

    def check(self) -> None:
        """The query was read when the source was opened; whether the Hub answers is known when it is listed."""

    def entries(self) -> Iterator[Entry]:
        """Yields one entry per candidate, sorted by repository.

        Raises:
            SourceUnavailable: the Hub does not answer. (A single named dataset about which it does not is listed as before.)
        """
        known = known_repositories(self.lake, self.spec)
        stamps = dict(self._stamps(known))
        if known and not stamps:  # an empty answer is more likely a fault than the end of everybody's data
            raise SourceUnavailable(
                f"{self.spec} lists nothing, where it listed {len(known)} datasets before.", hint="Try again later."
            )
        stamps = dict.fromkeys(known, GONE) | stamps
        repo_ids = sorted(stamps)
        ids = distinct_ids([id_of(repo_id) for repo_id in repo_ids], repo_ids)
        for repo_id, key in zip(repo_ids, ids, strict=True):
            yield hub_entry(self.lake, key, repo_id, stamps[repo_id], self.spec)

    def _stamps(self, known: dict[str, CrawlRecord]) -> Iterator[tuple[str, str]]:
        hub, scope = Hub(), self.query.scope
        digest = None if scope.is_open else scope.digest
        with patience(Patience()):
            named = self.query.ids
            listed = self._asked(hub, known) if named else hub.list_by(tag=self.query.tag, author=self.query.author)
            for item in listed:
                if item.is_disabled:
                    yield item.repo_id, GONE
                else:
                    yield item.repo_id, stamp(item.sha, digest) if item.sha else UNKNOWN

    def _asked(self, hub: Hub, known: dict[str, CrawlRecord]) -> Iterator[Listed]:
        def ask(repo_id: str) -> Listed:
            try:
                return hub.info(repo_id)
            except Gone:
                return Listed(repo_id, None, is_disabled=True)
            except Gated:
                return Listed(repo_id, None)
            except SourceUnavailable:
                record = known.get(repo_id)
                return Listed(repo_id, record.sha if record else None)

        with ThreadPoolExecutor(NUM_QUESTIONS) as pool:
            contexts = [contextvars.copy_context() for _ in self.query.ids]
            yield from pool.map(lambda context, one: context.run(ask, one), contexts, self.query.ids)


def hub_entry(lake: Lake, key: str, repo_id: str, stamped: str, source: str) -> Entry:
    """Returns the row of a dataset of the Hub under the id `key`."""
    row: Entry = {"dataset_id": key, "source": source, "stamp": stamped, "repo_id": repo_id}
    folder = sha_of(row) or stamped.rpartition(":")[2]
    return row | {"path": str(lake.hub(key) / folder), "contributor": contributor_of(id_of(repo_id))}


def under_id(lake: Lake, row: Entry, key: str) -> Entry:
    """Returns the row of a dataset of the Hub under another id: its folder carries the id."""
    return row | {"dataset_id": key, "path": str(lake.hub(key) / Path(row["path"]).name)}


def id_of(repo_id: str) -> str:
    """Returns the dataset id of a repository. Where its name leaves nothing that an id can hold, a digest stands for it."""
    org, slash, name = repo_id.partition("/")
    try:
        return dataset_id(org, name) if slash else dataset_id(NO_ORG, org)
    except ContractError:
        return dataset_id(NO_ORG, f"unnamed-{short_digest(repo_id)}")
