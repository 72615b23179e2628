"""The tables of a catalogue release, made from pack manifests. Which packs are in a release is decided in `catalogue`.

catalogue      data_contracts.catalogue.CATALOGUE: what the shelf shows and searches
packs          the whole manifest as JSON, and the key that it was verified with
episodes       which episodes taught which pack, whose they are, under which licence
contributors   the same, added up
rollouts       every rollout of the evaluation, with its recording
rates          the same, added up by policy and world
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import NormalDist
from typing import Any

import polars as pl

from data_contracts.catalogue import CATALOGUE, ROLLOUTS
from data_contracts.layout import Lake
from skill_packs.layout import ROLLOUTS as ROLLOUTS_FILE
from skill_packs.verify import VerifiedPack

BASELINE = "do_nothing"
PACKS = {"skill_id": pl.String, "version": pl.String, "pack_id": pl.String, "key_id": pl.String, "manifest": pl.String}
EPISODES = {
    "skill_id": pl.String, "version": pl.String, "episode_hash": pl.String, "dataset_id": pl.String,
    "episode_index": pl.Int64, "contributor": pl.String, "licence": pl.String, "num_frames": pl.Int64,
}  # fmt: skip
CONTRIBUTORS = {
    "skill_id": pl.String, "version": pl.String, "contributor": pl.String, "num_episodes": pl.Int64,
    "num_frames": pl.Int64, "licences": pl.List(pl.String),
}  # fmt: skip
ROLLOUT_ROWS = {"skill_id": pl.String, "version": pl.String, **ROLLOUTS.schema}
RATES = {
    "skill_id": pl.String, "version": pl.String, "policy": pl.String, "world": pl.String, "num_successes": pl.Int64,
    "num_rollouts": pl.Int64, "low": pl.Float64, "high": pl.Float64,
}  # fmt: skip
SAYS_NOTHING = {
    "a", "an", "and", "at", "by", "down", "for", "from", "in", "into", "it", "its", "of", "off", "on", "onto", "out", "over",
    "the", "to", "up", "with",
}  # fmt: skip
_Z = NormalDist().inv_cdf(0.975)


def tables(
    verified: Iterable[VerifiedPack], lake: Lake, first_releases: Mapping[tuple[str, str], int]
) -> dict[str, pl.DataFrame]:
    """Returns every table of a release by name, rows in the order of the packs.

    Args:
        first_releases: (skill, version) -> the first release that held it.
    """
    verified = list(verified)
    rollouts = pl.concat([pl.DataFrame(schema=ROLLOUT_ROWS), *(_rollouts(one) for one in verified)])
    shelf = [_shelf_row(one, lake, first_releases[one.pack.skill_id, one.pack.version]) for one in verified]
    return {
        "catalogue": CATALOGUE.check(CATALOGUE.frame(shelf)),
        "packs": pl.DataFrame([_pack_row(one) for one in verified], schema=PACKS),
        "episodes": pl.DataFrame([row for one in verified for row in _episode_rows(one)], schema=EPISODES),
        "contributors": pl.DataFrame([row for one in verified for row in _contributor_rows(one)], schema=CONTRIBUTORS),
        "rollouts": rollouts,
        "rates": _rates(rollouts),
    }


def task_words(title: str) -> list[str]:
    """Returns the words of a title that say what is done to what: no articles, prepositions, numbers or names in brackets."""
    words = re.findall(r"[^\W\d_]{2,}", re.sub(r"\(.*?\)", " ", title.lower()))
    return list(dict.fromkeys(word for word in words if word not in SAYS_NOTHING))


def _shelf_row(verified: VerifiedPack, lake: Lake, first_release: int) -> dict[str, Any]:
    pack, evaluation = verified.pack, verified.pack.evaluation
    baseline = evaluation.baselines.get(BASELINE)
    return {
        "skill_id": pack.skill_id,
        "version": pack.version,
        "pack_id": verified.pack_id,
        "title": pack.title,
        "description": pack.description,
        "task_words": task_words(pack.title),
        "robot_type": pack.requirements.robot_type,
        "camera_roles": sorted(slot.role for slot in pack.requirements.cameras if slot.is_required),
        "licences": sorted(pack.licence.episodes_by_licence),
        "world": evaluation.world,
        "is_simulated": evaluation.is_simulated,
        "num_successes": evaluation.policy.num_successes,
        "num_rollouts": evaluation.policy.num_rollouts,
        "success_low": evaluation.policy.low,
        "success_high": evaluation.policy.high,
        "baseline_successes": baseline.num_successes if baseline else None,
        "num_episodes": len(pack.provenance.episodes),
        "num_contributors": len(pack.provenance.contributors),
        "price_minor": pack.price.amount_minor,
        "currency": pack.price.currency,
        "path": str(verified.folder.relative_to(lake.home)),
        "size_bytes": verified.size_bytes,
        "first_release": first_release,
    }


def _pack_row(verified: VerifiedPack) -> dict[str, Any]:
    return {
        **_key(verified),
        "pack_id": verified.pack_id,
        "key_id": verified.key_id,
        "manifest": verified.pack.model_dump_json(),
    }


def _episode_rows(verified: VerifiedPack) -> list[dict[str, Any]]:
    return [
        {**_key(verified), **episode.model_dump(exclude={"dataset"}), "dataset_id": episode.dataset}
        for episode in verified.pack.provenance.episodes
    ]


def _contributor_rows(verified: VerifiedPack) -> list[dict[str, Any]]:
    origin = verified.pack.provenance
    counts = Counter(episode.contributor for episode in origin.episodes)
    return [
        {
            **_key(verified),
            "contributor": name,
            "num_episodes": counts[name],
            "num_frames": num_frames,
            "licences": sorted({episode.licence for episode in origin.episodes if episode.contributor == name}),
        }
        for name, num_frames in origin.contributors.items()
    ]


def _rollouts(verified: VerifiedPack) -> pl.DataFrame:
    path: Path = verified.folder / ROLLOUTS_FILE
    rows = ROLLOUTS.read(path) if path.is_file() else ROLLOUTS.frame([])
    return rows.select(
        pl.lit(verified.pack.skill_id).alias("skill_id"), pl.lit(verified.pack.version).alias("version"), pl.all()
    )


def _rates(rollouts: pl.DataFrame) -> pl.DataFrame:
    counted = rollouts.group_by("skill_id", "version", "policy", "world").agg(
        pl.col("is_success").sum().cast(pl.Int64).alias("num_successes"), pl.len().cast(pl.Int64).alias("num_rollouts")
    )
    rate, number = pl.col("num_successes") / pl.col("num_rollouts"), pl.col("num_rollouts")
    shrink = 1 + _Z**2 / number  # Wilson (1927), 95%, no continuity correction
    centre = (rate + _Z**2 / (2 * number)) / shrink
    margin = _Z / shrink * (rate * (1 - rate) / number + _Z**2 / (4 * number**2)).sqrt()
    limits = (centre - margin).clip(lower_bound=0.0), (centre + margin).clip(upper_bound=1.0)
    return (
        counted.with_columns(limits[0].alias("low"), limits[1].alias("high"))
        .select(*RATES)
        .sort("skill_id", "world", "policy")
    )


def _key(verified: VerifiedPack) -> dict[str, str]:
    return {"skill_id": verified.pack.skill_id, "version": verified.pack.version}
