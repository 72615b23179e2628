"""The pages of a pack that people read: README.md (model card), NOTICE and CHANGELOG.md. Texts from a manifest, nothing else.

The front matter is that of a Hugging Face model card, so that an exported pack is a valid model repository.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby

from data_contracts.manifests import RateWithInterval
from data_contracts.skill_pack import Joint, SkillPack


def readme(pack: SkillPack) -> str:
    """Returns the model card: what it does, how well, on what, and from whose recordings."""
    return "\n".join([
        *_front_matter(pack), f"# {pack.title}", "", pack.description, "", f"Version {pack.version}, published by {pack.publisher}.", "",
        *_evidence(pack), *_requirements(pack), *_provenance(pack), *_use(pack),
    ])  # fmt: skip


def notice(pack: SkillPack) -> str:
    """Returns NOTICE: every contributor, every dataset of theirs, its licence and how many episodes taught pack and base."""
    taught = Counter((one.contributor, one.dataset, one.licence) for one in pack.provenance.episodes)
    base = {(one.contributor, one.dataset, one.licence): one.num_episodes for one in pack.provenance.base_credits}
    lines = [f"{pack.title} {pack.version}", "", "This pack was trained on recordings by:", "", *_credits(taught)]
    if base:
        lines += ["", "Its base policy was pretrained on recordings by:", "", *_credits(base)]
    return "\n".join([*lines, "", pack.licence.statement, ""])


def changelog(pack: SkillPack) -> str:
    """Returns CHANGELOG.md, newest version first."""
    return "\n".join(
        [
            "# Changelog",
            "",
            *(line for entry in pack.changelog for line in (f"## {entry.version}", "", entry.sentence, "")),
        ]
    )


def _credits(counts: Mapping[tuple[str, str, str], int]) -> Iterator[str]:
    """Yields each contributor, followed by their datasets."""
    ordered = sorted(counts.items())
    for contributor, datasets in groupby(ordered, key=lambda item: item[0][0]):
        yield contributor
        yield from (f"    {dataset}: {_episodes(number)}, {licence}" for (_, dataset, licence), number in datasets)


def _front_matter(pack: SkillPack) -> list[str]:
    tags = ["robotics", "lerobot", "smolvla", "deftworks", pack.requirements.robot_type]
    return [
        "---",
        "library_name: lerobot",
        "pipeline_tag: robotics",
        f"tags: {json.dumps(tags)}",
        "license: other",
        "---",
        "",
    ]


def _evidence(pack: SkillPack) -> list[str]:
    evaluation = pack.evaluation
    where = "in simulation" if evaluation.is_simulated else "on a robot"
    rows = [("this policy", evaluation.policy), *sorted(evaluation.baselines.items())]
    return [
        "## Evidence", "",
        f"Evaluated {where} ({evaluation.world}), on {len(evaluation.seeds)} starts that no demonstration used.", "",
        "| policy | successes | rate | 95% interval (Wilson) |", "|---|---|---|---|",
        *(f"| {name} | {rate.num_successes} of {rate.num_rollouts} | {rate.rate:.0%} | {_interval(rate)} |" for name, rate in rows),
        "",
    ]  # fmt: skip


def _requirements(pack: SkillPack) -> list[str]:
    needs = pack.requirements
    cameras = [
        f"| `{slot.key}` | {slot.role} | {slot.width_px} x {slot.height_px} px | {'yes' if slot.is_required else 'no'} |"
        for slot in needs.cameras
    ]
    return [
        "## What your robot needs", "",
        f"Robot type `{needs.robot_type}`, {needs.fps:g} actions per second, {needs.num_parameters:,} parameters "
        f"({needs.weights_bytes:,} bytes of weights).", "",
        "| camera slot | shows | recorded at | required |", "|---|---|---|---|", *cameras, "",
        "Action, in this order:", "", *_joints(needs.action), "State, in this order:", "", *_joints(needs.state),
    ]  # fmt: skip


def _joints(joints: tuple[Joint, ...]) -> list[str]:
    return [
        "| # | joint | unit | range in the training data |", "|---|---|---|---|",
        *(f"| {i} | `{joint.name}` | {joint.unit or 'not stated'} | {joint.min:.4g} to {joint.max:.4g} |" for i, joint in enumerate(joints)),
        "",
    ]  # fmt: skip


def _provenance(pack: SkillPack) -> list[str]:
    origin = pack.provenance
    counts = Counter(episode.contributor for episode in origin.episodes)
    people = [f"| {name} | {counts[name]} | {frames} |" for name, frames in origin.contributors.items()]
    return [
        "## Who taught it", "", "| contributor | episodes | frames |", "|---|---|---|", *people, "",
        pack.licence.statement, "",
        f"Corpus `{origin.corpus_hash}`, recipe `{origin.recipe}`, training run `{origin.training_run_digest}`, "
        f"base `{origin.base_digest or 'none'}`, code `{origin.code_version}`. `pack.json` names every episode.", "",
    ]  # fmt: skip


def _use(pack: SkillPack) -> list[str]:
    return [
        "## Check it before you use it", "",
        "    deftworks pack verify . --key <public key of the publisher>", "",
        "checks every byte against that key, offline.", "",
    ]  # fmt: skip


def _episodes(number: int) -> str:
    return f"{number} episode" if number == 1 else f"{number} episodes"


def _interval(rate: RateWithInterval) -> str:
    return f"{rate.low:.0%} to {rate.high:.0%}"
