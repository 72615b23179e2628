"""The report: true figures, rules that point, and a page that no dataset can speak through."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from curation.corpus_explanation import explain_dataset, explain_episode
from curation.corpus_page import POLICY, choose_pictures, render_page, write_page
from curation.corpus_report import corpus_report
from curation.corpus_sections import plain
from data_contracts.errors import LakeError

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>\u202e\x1b[2J&amp;'


class Seen(HTMLParser):
    """Collects the elements of a page with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs) -> None:
        self.elements.append((tag, dict(attrs)))


@pytest.fixture
def filled(tiny_lake):
    joints = {"shoulder": (-90.0, 90.0), HOSTILE: (0.0, 1.0)}
    tiny_lake.add(
        "ada__push",
        ["p1", "p2", "p3"],
        rejected={0: "motion.static", 1: "motion.stub"},
        warned={"motion.unit_convention": None},
        joints=joints,
    )
    tiny_lake.add("bob__copy", ["p3"], licence=HOSTILE, robot=HOSTILE, label=HOSTILE)
    tiny_lake.add("cyd__trim", ["q1", "q2"])
    tiny_lake.add("dan__bad", ["r1"], reason=HOSTILE)
    tiny_lake.crawled("eve__gone", "gone", reason=HOSTILE)
    tiny_lake.write_near_copy(("cyd__trim", 0), ("ada__push", 2))
    tiny_lake.write_corpus()
    return tiny_lake.lake


def test_the_funnel_counts_what_is_left_after_each_step(filled):
    said = corpus_report(filled)
    steps = {step["name"]: (step["datasets"], step["episodes"], step["frames"]) for step in said["funnel"]}
    assert steps == {
        "candidates": (5, None, None),
        "reachable": (4, None, None),
        "readable": (4, 7, 210),
        "after gates": (3, 4, 120),
        "after copies": (2, 2, 60),
    }
    assert said["dataset_reasons"] == {"duplicate.exact_copy": 1, "gone": 1, "other": 1}
    assert said["episode_reasons"] == {
        "dataset not accepted": 1, "duplicate.exact_copy": 1, "duplicate.near_copy": 1, "motion.static": 1, "motion.stub": 1,
    }  # fmt: skip
    assert said["funnel"][-1]["hours"] == round(60 / 30 / 3600, 3)


def test_the_rules_point_at_what_a_person_should_see(filled):
    rules = {rule["title"]: [item["dataset"] for item in rule["items"]] for rule in corpus_report(filled)["review"]}
    assert rules["Borderline"] == ["ada__push"]
    assert rules["Units and zero of the joints"] == ["ada__push"]
    assert rules["Near copies between contributors"] == ["cyd__trim"]
    assert "No verdict" not in rules


def test_nothing_from_a_dataset_becomes_part_of_the_page(filled):
    page = render_page(corpus_report(filled), {"ada__push": {f"observation.images.{HOSTILE}": "javascript:alert(3)"}})
    seen = Seen()
    seen.feed(page)
    tags = {tag for tag, _ in seen.elements}
    assert tags.isdisjoint({"script", "iframe", "object", "embed", "form", "base"})
    assert all(not name.startswith("on") for _, attributes in seen.elements for name in attributes)
    addresses = [a[name] for _, a in seen.elements for name in ("src", "href") if name in a]
    assert all(address == "" or address.startswith(("data:image/jpeg;base64,", "#")) for address in addresses)
    assert POLICY in page
    assert "\u202e" not in page
    assert "\x1b" not in page
    assert plain(HOSTILE) in page
    assert not re.search(r"url\(|@import|https?:", page)


def test_every_link_of_the_page_leads_somewhere_in_it(filled):
    seen = Seen()
    seen.feed(render_page(corpus_report(filled), {}))
    names = {attributes["id"] for _, attributes in seen.elements if "id" in attributes}
    links = {attributes["href"] for tag, attributes in seen.elements if tag == "a"}
    assert links
    assert {link.removeprefix("#") for link in links} <= names


def test_pictures_stop_at_the_budget_and_begin_with_what_is_to_be_reviewed(filled, monkeypatch):
    monkeypatch.setattr(
        "curation.corpus_page.contact_strips", lambda lake, name: {"observation.images.top": b"j" * 300}
    )
    said = corpus_report(filled)
    assert list(choose_pictures(filled, said, budget=900)) == ["ada__push", "cyd__trim"]
    assert len(choose_pictures(filled, said)) == 5


def test_the_page_shows_frames_of_a_real_dataset(tmp_path, tiny_lake, write_dataset):
    tiny_lake.add("ada__push", ["p1"])
    write_dataset(tiny_lake.lake.home / "somewhere" / "ada__push", [1])
    tiny_lake.write_corpus()
    num_bytes = write_page(tiny_lake.lake, corpus_report(tiny_lake.lake), tmp_path / "corpus.html")
    page = (tmp_path / "corpus.html").read_text()
    assert len(page.encode()) == num_bytes
    assert page.count("data:image/jpeg;base64,") == 2


def test_an_episode_is_explained_with_its_copies_and_findings(filled):
    facts = explain_episode(filled, "cyd__trim", 0)
    assert facts["verdict"] == {
        "is_kept": False, "reason": "duplicate.near_copy of ada__push/000002", "dataset_state": "accepted",
    }  # fmt: skip
    assert [(m["episode"], m["is_kept"]) for m in facts["copies"]["cluster"]] == [
        ("ada__push/000002", True), ("bob__copy/000000", False), ("cyd__trim/000000", False),
    ]  # fmt: skip
    codes = [finding["code"] for finding in facts["findings"]["integrity"]]
    assert codes == ["duplicate.cross_contributor", "duplicate.near_copy"]


def test_a_dataset_is_explained_also_when_it_was_never_had(filled):
    assert explain_dataset(filled, "eve__gone")["verdict"]["state"] == "gone"
    facts = explain_dataset(filled, "ada__push")
    assert (facts["verdict"]["num_episodes"], facts["verdict"]["num_episodes_kept"]) == (3, 1)
    assert facts["from"]["contributor"] == "ada"


@pytest.mark.parametrize(("name", "says"), [("ada__pusch", "ada__push"), ("nobody__nothing", "no dataset")])
def test_what_is_not_in_the_corpus_is_said(filled, name, says):
    with pytest.raises(LakeError, match=says):
        explain_dataset(filled, name)


def test_an_episode_that_is_not_there_names_those_that_are(filled):
    with pytest.raises(LakeError, match="numbered 0 to 2"):
        explain_episode(filled, "ada__push", 9)
    with pytest.raises(LakeError, match="which is gone"):
        explain_episode(filled, "eve__gone", 0)
