"""From many curated datasets to one corpus and its skill index, as stages: what the Dagster assets and `deftworks corpus` both do.

What does not belong here: anything of Dagster, and what the corpus decides (`curation.corpus`).
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from data_contracts.catalogue import CORPUS_EPISODES, DUPLICATES, FINDINGS, FINGERPRINTS, SKILL_INDEX, SOURCE_LISTING
from data_contracts.errors import ContractError
from data_contracts.layout import Lake
from data_contracts.manifests import CorpusManifest, CrawlRecord, RawDataset
from data_contracts.skills import Skills
from data_contracts.stages import StageResult, folder_digest, run_stage
from pipelines.failed_stages import read_failures
from pipelines.versions import VERSIONS


def read_listing(lake: Lake) -> pl.DataFrame:
    """Returns the newest source listing (table SOURCE_LISTING)."""
    return SOURCE_LISTING.read(lake.source_listing / "source_listing.parquet")


def make_duplicates(lake: Lake) -> StageResult:
    """Makes sure that the copies among all listed datasets are known, with who is credited."""
    from curation.corpus_copies import credit_order
    from curation.duplicates import find_duplicates

    listing = read_listing(lake)
    paths = {name: lake.fingerprints(name) for name in listing["dataset_id"].sort()}
    order = credit_order(listing, published_dates(lake, list(paths)))
    inputs = {
        "version": VERSIONS["duplicates"],
        "fingerprints": {name: folder_digest(path) for name, path in paths.items()},
        "order": order,
    }

    def produce(out: Path) -> None:
        tables = [FINGERPRINTS.read(p / "fingerprints.parquet") for p in paths.values() if folder_digest(p)]
        together = pl.concat([FINGERPRINTS.frame([]), *tables])
        DUPLICATES.write(find_duplicates(together, order=order), out / "duplicates.parquet")

    return run_stage(lake.duplicates, inputs, produce)


def make_corpus(lake: Lake) -> StageResult:
    """Makes sure that the corpus is that of the listed datasets as the lake holds them now."""
    from curation.corpus import build_corpus

    listing = read_listing(lake)
    names = listing["dataset_id"].sort().to_list()
    failures = read_failures(lake, names)
    stages = (lake.raw, lake.findings, lake.normalised, lake.camera_roles, lake.task_labels)
    inputs = {
        "version": VERSIONS["corpus"],
        "listing": listing.select("dataset_id", "source", "contributor").sort("dataset_id").to_dicts(),
        "failures": failures,
        "crawl": _crawled(lake, names),
        "datasets": {name: [folder_digest(stage(name)) for stage in stages] for name in names},
        "duplicates": folder_digest(lake.duplicates),
    }

    def produce(out: Path) -> None:
        built = build_corpus(lake, listing, failures)
        CORPUS_EPISODES.write(built.episodes, out / "episodes.parquet")
        FINDINGS.write(built.findings, out / "findings.parquet")
        built.manifest.write(out / "manifest.json")

    return run_stage(lake.corpus, inputs, produce)


def make_skill_index(lake: Lake, skills: Skills) -> StageResult:
    """Makes sure that the answer of each row of skills.toml is that of the present corpus."""
    from curation.skill_index import build_skill_index

    inputs = {
        "version": VERSIONS["skill_index"],
        "corpus": folder_digest(lake.corpus),
        "conditions": {skill.id: skill.episodes for skill in skills.skill},
    }

    def produce(out: Path) -> None:
        episodes = CORPUS_EPISODES.read(lake.corpus / "episodes.parquet")
        SKILL_INDEX.write(build_skill_index(skills, episodes).frame, out / "skill_index.parquet")

    return run_stage(lake.skill_index, inputs, produce)


def make_mixture(lake: Lake) -> StageResult:
    """Makes sure that the lake lists every kept episode that a policy can learn from and be sold: a label, a camera in a slot, a
    licence that permits it."""
    from skill_packs.licences import why_blocked

    inputs = {"version": VERSIONS["pretraining_mixture"], "corpus": folder_digest(lake.corpus)}

    def produce(out: Path) -> None:
        episodes = CORPUS_EPISODES.read(lake.corpus / "episodes.parquet")
        has_camera = pl.any_horizontal(pl.col("camera_top", "camera_wrist", "camera_side").is_not_null())
        may_be_sold = episodes["licence"].map_elements(
            lambda licence: why_blocked(licence, is_priced=True) is None, return_dtype=pl.Boolean, skip_nulls=False
        )
        usable = episodes.filter(pl.col("is_kept") & pl.col("label").is_not_null() & has_camera & may_be_sold)
        SKILL_INDEX.write(
            usable.with_columns(skill_id=pl.lit("base")).select(*SKILL_INDEX.schema), out / "mixture.parquet"
        )

    return run_stage(lake.mixture, inputs, produce)


def read_corpus(lake: Lake) -> tuple[CorpusManifest, pl.DataFrame]:
    """Returns the lake's corpus: the manifest, and its episodes (table CORPUS_EPISODES)."""
    manifest = CorpusManifest.read(lake.corpus / "manifest.json")
    return manifest, CORPUS_EPISODES.read(lake.corpus / "episodes.parquet")


def published_dates(lake: Lake, dataset_ids: list[str]) -> dict[str, str | None]:
    """Returns when each dataset was published, as far as the lake knows; one that cannot be read is left out."""
    dates = {}
    for name in dataset_ids:
        try:
            dates[name] = RawDataset.read(lake.raw(name) / "raw.json").published_at
        except ContractError:
            continue  # the corpus lists it with the reason
    return dates


def _crawled(lake: Lake, dataset_ids: list[str]) -> dict[str, list[str | None]]:
    paths = {name: lake.crawl_record(name) for name in dataset_ids}
    return {name: _crawl_state(path) for name, path in paths.items() if path.exists()}


def _crawl_state(path: Path) -> list[str | None]:
    try:
        record = CrawlRecord.read(path)
    except ContractError:
        return ["unreadable"]  # the corpus says so of that dataset
    return [record.state, record.reason, record.sha, record.source]
