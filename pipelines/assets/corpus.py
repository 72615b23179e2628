"""From many datasets to one corpus, and from the corpus to what each skill learns from."""

from pathlib import Path

import dagster as dg
import polars as pl

from data_contracts.catalogue import CORPUS_EPISODES, DUPLICATES, FINGERPRINTS, SKILL_INDEX
from data_contracts.manifests import CorpusManifest
from data_contracts.stages import digest_of, folder_digest, run_stage
from pipelines.assets.curated import camera_roles, fingerprints, task_labels
from pipelines.failures import domain_failures, read_failures
from pipelines.pictures import column_schema, markdown_table
from pipelines.resources import LakeResource
from pipelines.settings import UPLOADS
from pipelines.versions import VERSIONS


@dg.asset(group_name="corpus", deps=[fingerprints], code_version=VERSIONS["duplicates"])
def duplicates(lake: LakeResource) -> dg.MaterializeResult:
    """Clusters of identical episodes over all datasets, with the one copy that is credited."""
    from curation.duplicates import find_duplicates

    folder = lake.lake.duplicates
    listing = lake.listing()
    paths = {name: lake.lake.fingerprints(name) for name in listing["dataset_id"]}
    # What was published before it was handed in here is the original, whatever the names.
    published_first = listing.filter(pl.col("source") != UPLOADS)["dataset_id"].sort().to_list()
    inputs = {
        "version": VERSIONS["duplicates"],
        "fingerprints": {name: folder_digest(path) for name, path in paths.items()},
        "order": published_first,
    }

    def produce(out: Path) -> None:
        tables = [FINGERPRINTS.read(p / "fingerprints.parquet") for p in paths.values() if folder_digest(p)]
        table = pl.concat([FINGERPRINTS.frame([]), *tables])
        DUPLICATES.write(find_duplicates(table), out / "duplicates.parquet")

    with domain_failures():
        result = run_stage(folder, inputs, produce)
        table = DUPLICATES.read(folder / "duplicates.parquet")
    copies = table.filter(~pl.col("is_original"))
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": table.height,
            "dagster/column_schema": column_schema(DUPLICATES),
            "num_copies": copies.height,
            "copies": markdown_table(
                copies.group_by("dataset_id", "original_dataset_id").len().sort("dataset_id").to_dicts()
            ),
            "is_cached": result.is_cached,
        }
    )


@dg.asset(
    group_name="corpus", deps=[duplicates, camera_roles, task_labels], code_version=VERSIONS["corpus"],
    check_specs=[
        dg.AssetCheckSpec("every_candidate_has_a_state", asset="corpus", description="Each listed dataset ends in one state; a reason where it is not accepted."),
        dg.AssetCheckSpec("no_episode_is_kept_twice", asset="corpus", description="Kept episodes have distinct hashes."),
    ],
)  # fmt: skip
def corpus(lake: LakeResource):
    """The manifest: every candidate in one terminal state with a reason, every kept episode, one hash."""
    from curation.corpus import build_corpus

    listing = lake.listing()
    names = listing["dataset_id"].to_list()
    failures = read_failures(lake.lake, names)
    stages = (lake.lake.raw, lake.lake.findings, lake.lake.normalised, lake.lake.camera_roles, lake.lake.task_labels)
    inputs = {
        "version": VERSIONS["corpus"],
        "listing": listing.select("dataset_id", "source", "contributor").sort("dataset_id").to_dicts(),
        "failures": failures,
        "datasets": {name: [folder_digest(stage(name)) for stage in stages] for name in names},
        "duplicates": folder_digest(lake.lake.duplicates),
    }

    def produce(out: Path) -> None:
        built = build_corpus(lake.lake, listing, failures)
        CORPUS_EPISODES.write(built.episodes, out / "episodes.parquet")
        built.manifest.write(out / "manifest.json")

    with domain_failures():
        result = run_stage(lake.lake.corpus, inputs, produce)
        manifest = CorpusManifest.read(lake.lake.corpus / "manifest.json")
    rows = [d.to_json() for d in manifest.datasets]
    hashes = [episode.episode_hash for episode in manifest.episodes]
    unexplained = [d.dataset for d in manifest.datasets if d.state != "accepted" and not d.reason]
    missing = sorted(set(names) - {d.dataset for d in manifest.datasets})
    return dg.MaterializeResult(
        metadata={
            "corpus_hash": manifest.digest(),
            "num_accepted": sum(d.state == "accepted" for d in manifest.datasets),
            "num_datasets": len(manifest.datasets),
            "dagster/row_count": len(manifest.episodes),
            "dagster/column_schema": column_schema(CORPUS_EPISODES),
            "datasets": markdown_table(rows, limit=200),
            "is_cached": result.is_cached,
        },
        data_version=dg.DataVersion(manifest.digest()),
        check_results=[
            dg.AssetCheckResult(check_name="every_candidate_has_a_state", passed=not unexplained and not missing,
                                metadata={"without_reason": unexplained, "missing": missing}),
            dg.AssetCheckResult(check_name="no_episode_is_kept_twice", passed=len(hashes) == len(set(hashes)),
                                metadata={"num_kept": len(hashes), "num_distinct": len(set(hashes))}),
        ],
    )  # fmt: skip


@dg.asset(group_name="corpus", deps=[corpus], code_version=VERSIONS["skill_index"])
def skill_index(lake: LakeResource) -> dg.MaterializeResult:
    """Which episodes teach which skill: the answer of each row of skills.toml, frozen."""
    from curation.skill_index import build_skill_index

    skills = lake.skills
    folder = lake.lake.skill_index
    inputs = {
        "version": VERSIONS["skill_index"],
        "corpus": folder_digest(lake.lake.corpus),
        "conditions": {skill.id: skill.episodes for skill in skills.skill},
    }

    def produce(out: Path) -> None:
        episodes = CORPUS_EPISODES.read(lake.lake.corpus / "episodes.parquet")
        SKILL_INDEX.write(build_skill_index(skills, episodes).frame, out / "skill_index.parquet")

    with domain_failures():
        result = run_stage(folder, inputs, produce)
        table = SKILL_INDEX.read(folder / "skill_index.parquet")
    counts = table.group_by("skill_id").agg(
        pl.len().alias("episodes"), pl.col("contributor").n_unique().alias("contributors")
    )
    empty = sorted(set(skills.ids) - set(table["skill_id"]))
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": table.height,
            "dagster/column_schema": column_schema(SKILL_INDEX),
            "skills": markdown_table(counts.sort("skill_id").to_dicts()),
            "skills_without_episodes": empty,
            "is_cached": result.is_cached,
        }
    )


@dg.asset(group_name="corpus", deps=[corpus], code_version=VERSIONS["pretraining_mixture"])
def pretraining_mixture(lake: LakeResource) -> dg.MaterializeResult:
    """Every kept episode that a policy can learn from and be sold: a label, a camera in a slot, a licence that permits it."""
    from skill_packs.licences import why_blocked

    folder = lake.lake.mixture
    inputs = {"version": VERSIONS["pretraining_mixture"], "corpus": folder_digest(lake.lake.corpus)}

    def produce(out: Path) -> None:
        episodes = CORPUS_EPISODES.read(lake.lake.corpus / "episodes.parquet")
        has_camera = pl.any_horizontal(pl.col("camera_top", "camera_wrist", "camera_side").is_not_null())
        may_be_sold = episodes["licence"].map_elements(
            lambda licence: why_blocked(licence, is_priced=True) is None, return_dtype=pl.Boolean, skip_nulls=False
        )
        usable = episodes.filter(pl.col("is_kept") & pl.col("label").is_not_null() & has_camera & may_be_sold)
        SKILL_INDEX.write(
            usable.with_columns(skill_id=pl.lit("base")).select(*SKILL_INDEX.schema), out / "mixture.parquet"
        )

    with domain_failures():
        result = run_stage(folder, inputs, produce)
        table = SKILL_INDEX.read(folder / "mixture.parquet")
    by_dataset = (
        table.group_by("dataset_id").agg(pl.len().alias("episodes"), pl.col("num_frames").sum()).sort("dataset_id")
    )
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": table.height,
            "num_frames": int(table["num_frames"].sum()),
            "datasets": markdown_table(by_dataset.to_dicts()),
            "digest": digest_of(table["episode_hash"].sort().to_list()),
            "is_cached": result.is_cached,
        }
    )
