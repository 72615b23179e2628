"""README.md of a normalised dataset: what the Hub's page shows, and where the data came from."""

from __future__ import annotations

from data_contracts.identifiers import repo_id
from data_contracts.manifests import NormalisedDataset


def dataset_card(manifest: NormalisedDataset) -> str:
    """Returns the card: front matter with licence and the tag that LeRobot looks for, then source and changes."""
    import yaml

    front: dict[str, object] = {"license": manifest.licence} if manifest.licence else {}
    front |= {
        "task_categories": ["robotics"],
        "tags": ["LeRobot", *(["simulation"] if manifest.is_simulated else [])],
        "configs": [{"config_name": "default", "data_files": "data/*/*.parquet"}],
    }
    num_frames = sum(episode.num_frames for episode in manifest.episodes)
    lines = [
        "---",
        yaml.safe_dump(front, sort_keys=False, allow_unicode=True).rstrip(),
        "---",
        "",
        f"# {repo_id(manifest.dataset_id)}, normalised",
        "",
        f"{len(manifest.episodes)} episodes, {num_frames} frames at {manifest.fps:g} frames per second, recorded by "
        f"{manifest.contributor} with {manifest.robot_type or 'an unnamed robot'}; LeRobot v3.0.",
        "",
        f"Source: `{manifest.dataset_id}` at content revision `{manifest.revision}` ({manifest.source_version}).",
        f"Licence as the source states it: {manifest.licence or 'none stated'}.",
        *_joints(manifest),
        "`meta/deftworks.json` names each episode with its number in the source and its hash.",
        "",
        "## What normalising changed",
        "",
        *[f"- {change}" for change in manifest.changes],
    ]
    return "\n".join(lines) + "\n"


def _joints(manifest: NormalisedDataset) -> list[str]:
    zero = {"middle": ", from the middle of each range", "stretched": ", from the arm stretched out", None: ""}
    if manifest.joint_unit == "normalised":
        return [
            "Joints are -100 to 100 of each joint's range, which cannot be turned into degrees without the arm's calibration."
        ]
    if manifest.joint_unit in (None, "unknown"):
        return []
    return [f"Joints are in {manifest.joint_unit}{zero[manifest.joint_zero]}."]
