"""What became of each dataset of the Hub when it was last tried: `crawl/<dataset>.json`, written for every outcome.

The record is how a crawl knows tomorrow what it need not ask again, and how the corpus knows why a dataset is not in it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from curation.sources.hub import is_hub
from data_contracts.errors import ContractError, DeftworksError, Gated, Gone, NotAsPinned, SourceUnavailable
from data_contracts.layout import Lake
from data_contracts.manifests import CrawlRecord

STAMP = "hub:"
GONE = "hub:gone"
UNKNOWN = "hub:unknown"
"""Stamp of a dataset about which the Hub could not be asked while listing: fetching it asks again."""
FIRST_RETRY = timedelta(minutes=15)
LAST_RETRY = timedelta(days=1)


def stamp(sha: str, scope_digest: str | None) -> str:
    """Returns the stamp of a dataset at a commit. Another scope of its recipe is another stamp: it decides what is fetched."""
    return f"{STAMP}{sha}+{scope_digest}" if scope_digest else f"{STAMP}{sha}"


def sha_of(row: dict[str, Any]) -> str | None:
    """Returns the commit that a row of the listing pins; None where it has none."""
    if row["stamp"] in (GONE, UNKNOWN):
        return None
    return row["stamp"].removeprefix(STAMP).partition("+")[0]


def read_record(lake: Lake, dataset_id: str) -> CrawlRecord | None:
    """Returns the record of a dataset, or None where there is none that can be read (it is then made anew)."""
    path = lake.crawl_record(dataset_id)
    if not path.exists():
        return None
    try:
        return CrawlRecord.read(path)
    except ContractError:
        return None


def known_repositories(lake: Lake, source: str) -> dict[str, CrawlRecord]:
    """Returns every repository that `source` listed before, with its record."""
    records = (read_record(lake, path.stem) for path in sorted(lake.crawl_record("x").parent.glob("*.json")))
    return {record.repo_id: record for record in records if record and record.source == source}


def remember_listed(lake: Lake, row: dict[str, Any]) -> None:
    """Writes down that a row is a candidate. What is known of it stays as long as the commit is the same."""
    record, sha = read_record(lake, row["dataset_id"]), sha_of(row)
    if row["stamp"] == GONE:
        _write(lake, row, record, state="gone", reason=why_gone(row))
        return
    if record is None or (sha is not None and (record.sha != sha or record.state == "gone")):
        _write(lake, row, None, state="listed")
    elif record.source != row["source"] or record.repo_id != row["repo_id"]:
        changes = {"source": row["source"], "repo_id": row["repo_id"]}
        record.model_copy(update=changes).write(lake.crawl_record(row["dataset_id"]))


def remember_fetched(lake: Lake, row: dict[str, Any], sha: str) -> None:
    """Writes down that the dataset is here, verified against its commit."""
    _write(lake, row, None, state="fetched", sha=sha)


def remember_failure(lake: Lake, row: dict[str, Any], error: DeftworksError) -> None:
    """Writes down why a dataset is not here, and when trying again makes sense where it does."""
    record = read_record(lake, row["dataset_id"])
    if isinstance(error, Gone):
        _write(lake, row, record, state="gone", reason=error.message)
    elif isinstance(error, Gated):
        _write(lake, row, record, state="gated", reason=error.message)
    elif isinstance(error, NotAsPinned):
        _write(lake, row, record, state="quarantined", reason=error.message)
    elif isinstance(error, SourceUnavailable):
        num_failures = record.num_attempts if record and record.state == "unreachable" else 0
        wait = min(FIRST_RETRY * 2 ** min(num_failures, 10), LAST_RETRY)
        if error.retry_after_s is not None:
            wait = max(timedelta(seconds=min(error.retry_after_s, LAST_RETRY.total_seconds())), timedelta(seconds=1))
        retry_at = (datetime.now(UTC) + wait).isoformat(timespec="seconds").replace("+00:00", "Z")
        _write(lake, row, record, state="unreachable", reason=error.message, retry_at=retry_at)


def is_due(record: CrawlRecord) -> bool:
    """Returns True where trying an unreachable dataset again makes sense by now."""
    return record.retry_at is None or datetime.fromisoformat(record.retry_at) <= datetime.now(UTC)


def settled_record(lake: Lake, row: dict[str, Any]) -> CrawlRecord | None:
    """Returns why a listed dataset of the Hub need not be tried: the same commit could not be had, and is not due again."""
    record, sha = read_record(lake, row["dataset_id"]), sha_of(row)
    if not is_hub(row["source"]) or record is None or record.state in ("listed", "fetched"):
        return None
    is_same = record.sha == sha or sha is None
    return record if is_same and (record.state != "unreachable" or not is_due(record)) else None


def why_gone(row: dict[str, Any]) -> str:
    """Returns why a row counts as gone: a named dataset was asked for, one of a tag or an author is not listed."""
    if "=" in row["source"]:
        return f"{row['source']} does not list {row['repo_id']} any more, or the Hub has it no more."
    return f"The Hub has no dataset {row['repo_id']} for us: deleted, private, or never there."


def _write(lake: Lake, row: dict[str, Any], before: CrawlRecord | None, **values: Any) -> None:
    path: Path = lake.crawl_record(row["dataset_id"])
    num_attempts = before.num_attempts if before and before.state == values["state"] else 0
    is_new_attempt = values["state"] not in ("listed", "fetched", "gone")
    known: dict[str, Any] = {"sha": sha_of(row), "num_attempts": num_attempts + is_new_attempt}
    record = CrawlRecord(
        dataset_id=row["dataset_id"], repo_id=row["repo_id"], source=row["source"], **(known | values)
    )  # fmt: skip
    if record != before:
        record.write(path)
