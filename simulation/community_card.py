"""The README.md of a dataset of the sample community: front matter as the Hub reads it, and a plain word on what it is."""

from __future__ import annotations

from simulation.community_table import CommunityDataset

_BODY = """
# {name}

Recorded in simulation ({world}) by a scripted expert for the sample community of Deftworks. The organisation
"{contributor}" is made up, and so is everything that is wrong with this dataset.

{num_episodes} episodes in LeRobot format {version}.
"""


def card(row: CommunityDataset) -> str:
    """Returns the text of README.md."""
    licence = [f"license: {row.licence}"] if row.licence else []
    tags = ["tags:", *(f"- {tag}" for tag in ("LeRobot", "simulation"))]
    front = ["---", *licence, "task_categories:", "- robotics", *tags, "---"]
    body = _BODY.format(
        name=row.id.partition("__")[2],
        world=row.world,
        contributor=row.contributor,
        num_episodes=row.num_episodes,
        version=row.version,
    )
    return "\n".join(front) + "\n" + body
