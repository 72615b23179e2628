"""From many datasets to one corpus, and from the corpus to what each skill learns from."""

from dataclasses import asdict

import dagster as dg
import polars as pl

from data_contracts.catalogue import CORPUS_EPISODES, DUPLICATES, SKILL_INDEX
from data_contracts.stages import digest_of
from pipelines.assets.curated import camera_roles, fingerprints, task_labels
from pipelines.corpus_stage import make_corpus, make_duplicates, make_mixture, make_skill_index, read_corpus
from pipelines.failures import domain_failures
from pipelines.pictures import column_schema, markdown_table
from pipelines.resources import LakeResource
from pipelines.versions import VERSIONS


@dg.asset(group_name="corpus", deps=[fingerprints], code_version=VERSIONS["duplicates"])
def duplicates(lake: LakeResource) -> dg.MaterializeResult:
    """Clusters of copies over all datasets, with the episode that is credited and the split of each cluster."""
    with domain_failures():
        result = make_duplicates(lake.lake)
        table = DUPLICATES.read(lake.lake.duplicates / "duplicates.parquet")
    copies = table.filter(~pl.col("is_original"))
    between = copies.group_by("dataset_id", "original_dataset_id", "copy_kind").len()
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": table.height,
            "dagster/column_schema": column_schema(DUPLICATES),
            "num_exact_copies": copies.filter(copy_kind="exact").height,
            "num_near_copies": copies.filter(copy_kind="near").height,
            "copies": markdown_table(between.sort("dataset_id", "original_dataset_id", "copy_kind").to_dicts()),
            "is_cached": result.is_cached,
        }
    )


@dg.asset(
    group_name="corpus", deps=[duplicates, camera_roles, task_labels], code_version=VERSIONS["corpus"],
    check_specs=[
        dg.AssetCheckSpec("every_candidate_has_a_state", asset="corpus", description="Each listed dataset ends in one state; a reason where it is not accepted."),
        dg.AssetCheckSpec("no_episode_is_kept_twice", asset="corpus", description="Kept episodes have distinct hashes."),
        dg.AssetCheckSpec("no_cluster_is_divided", asset="corpus", description="All copies of an episode are in one split: nothing leaks into the evaluation."),
    ],
)  # fmt: skip
def corpus(lake: LakeResource):
    """The manifest: every candidate in one terminal state with a reason, every episode with its verdict, one hash."""
    from curation.corpus_funnel import dataset_reasons, episode_reasons, findings_by_code, funnel, splits, states
    from curation.corpus_query import read_view

    with domain_failures():
        result = make_corpus(lake.lake)
        manifest, episodes = read_corpus(lake.lake)
        findings = read_view(lake.lake, "findings", [d.dataset for d in manifest.datasets])
    kept = episodes.filter("is_kept")
    unexplained = [d.dataset for d in manifest.datasets if d.state != "accepted" and not d.reason]
    missing = sorted(set(lake.listing()["dataset_id"]) - {d.dataset for d in manifest.datasets})
    divided = (
        episodes.drop_nulls("cluster_id")
        .group_by("cluster_id")
        .agg(pl.col("split").n_unique())
        .filter(pl.col("split") > 1)
    )
    shown = ("dataset", "state", "reason", "licence", "num_episodes", "num_episodes_kept", "num_frames_kept")
    return dg.MaterializeResult(
        metadata={
            "corpus_hash": manifest.digest(),
            "funnel": markdown_table(asdict(step) for step in funnel(manifest, episodes)),
            **{f"num_{state}": count for state, count in states(manifest).items()},
            "num_datasets": len(manifest.datasets),
            **{f"num_{split}": count for split, count in splits(episodes).items()},
            "dataset_reasons": _counts(dataset_reasons(manifest)),
            "episode_reasons": _counts(episode_reasons(episodes)),
            "findings": markdown_table(findings_by_code(findings).to_dicts()),
            "dagster/row_count": episodes.height,
            "dagster/column_schema": column_schema(CORPUS_EPISODES),
            "datasets": markdown_table([{name: getattr(d, name) for name in shown} for d in manifest.datasets], limit=200),
            "is_cached": result.is_cached,
        },
        data_version=dg.DataVersion(manifest.digest()),
        check_results=[
            dg.AssetCheckResult(check_name="every_candidate_has_a_state", passed=not unexplained and not missing,
                                metadata={"without_reason": unexplained, "missing": missing}),
            dg.AssetCheckResult(check_name="no_episode_is_kept_twice", passed=kept["episode_hash"].n_unique() == kept.height,
                                metadata={"num_kept": kept.height, "num_distinct": kept["episode_hash"].n_unique()}),
            dg.AssetCheckResult(check_name="no_cluster_is_divided", passed=divided.is_empty(),
                                metadata={"clusters": episodes["cluster_id"].drop_nulls().n_unique(), "divided": divided["cluster_id"].to_list()[:50]}),
        ],
    )  # fmt: skip


@dg.asset(group_name="corpus", deps=[corpus], code_version=VERSIONS["skill_index"])
def skill_index(lake: LakeResource) -> dg.MaterializeResult:
    """Which episodes teach which skill: the answer of each row of skills.toml, frozen."""
    skills = lake.skills
    with domain_failures():
        result = make_skill_index(lake.lake, skills)
        table = SKILL_INDEX.read(lake.lake.skill_index / "skill_index.parquet")
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
    with domain_failures():
        result = make_mixture(lake.lake)
        table = SKILL_INDEX.read(lake.lake.mixture / "mixture.parquet")
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


def _counts(counts: dict[str, int]) -> dg.MarkdownMetadataValue:
    return markdown_table([{"reason": reason, "count": count} for reason, count in counts.items()])
