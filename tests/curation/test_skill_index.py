"""The skill index: conditions are asked of kept, labelled episodes in a database that reaches nothing else."""

from __future__ import annotations

import pytest

from curation.corpus import build_corpus
from curation.skill_index import build_skill_index
from data_contracts.errors import ContractError
from data_contracts.skills import Evaluation, Price, Skill, Skills, Split


def _skills(**conditions: str) -> Skills:
    return Skills(
        skill=tuple(
            Skill(
                id=name.replace("_", "-"), title=name, description=name, robot_type="so100", episodes=condition,
                evaluation=Evaluation(world="metaworld/drawer-open-v3"), price=Price(amount_minor=0),
                split=Split(platform_bp=3000, contributors_bp=7000),
            )
            for name, condition in conditions.items()
        )
    )  # fmt: skip


@pytest.fixture
def episodes(tiny_lake):
    tiny_lake.add("ada__push", ["p1", "p2", "p3"], rejected={1: "motion.static"}, label="Push the button")
    tiny_lake.add("bob__open", ["q1"], label="Open the drawer", warned={"motion.tremor": None}, is_simulated=True)
    tiny_lake.add("cyd__mute", ["r1"], label=None)
    return build_corpus(tiny_lake.lake, tiny_lake.listing, {}).episodes


def test_each_skill_gets_its_kept_episodes(episodes):
    index = build_skill_index(
        _skills(
            press_button="label ILIKE '%button%'",
            clean_sim="is_simulated AND NOT list_contains(warnings, 'video.black')",
        ),
        episodes,
    )
    assert index.frame.select("skill_id", "dataset_id", "episode_index").rows() == [
        ("clean-sim", "bob__open", 0),
        ("press-button", "ada__push", 0),
        ("press-button", "ada__push", 2),
    ]
    assert index.empty_skills == ()


def test_rejected_and_unlabelled_episodes_teach_nothing(episodes):
    frame = build_skill_index(_skills(all_of_it="true"), episodes).frame
    assert frame.select("dataset_id", "episode_index").rows() == [("ada__push", 0), ("ada__push", 2), ("bob__open", 0)]


def test_skill_that_matches_nothing_is_named_and_the_others_are_built(episodes):
    index = build_skill_index(_skills(fly="label = 'Fly'", rest="true"), episodes)
    assert index.empty_skills == ("fly",)
    assert set(index.frame["skill_id"]) == {"rest"}


def test_no_episodes_at_all_leave_every_skill_empty(episodes):
    index = build_skill_index(_skills(one="true", two="true"), episodes.clear())
    assert index.empty_skills == ("one", "two")
    assert index.frame.is_empty()


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("labell = 'x'", 'Referenced column "labell" not found'),
        ("label = ", "syntax error"),
        ("true) OR (true", "syntax error"),
        ("true; DROP TABLE corpus_episodes", "more than one statement"),
        ("label", "Could not convert string"),
        ("exists (SELECT * FROM read_csv('/etc/hostname'))", "disabled by configuration"),
        ("exists (SELECT * FROM episodes)", "does not exist"),
    ],
)
def test_invalid_condition_names_the_skill_and_says_why(episodes, condition, says):
    with pytest.raises(ContractError, match="bad-one") as caught:
        build_skill_index(_skills(bad_one=condition), episodes)
    assert says in str(caught.value)
