"""Each page in its full, empty and broken state; no visitor ever sees a stack trace."""

from __future__ import annotations

import re
from html import unescape

import pytest
from streamlit.testing.v1 import AppTest

PACK = "app_pages/pack.py"


def words(app: AppTest) -> str:
    """Everything that the page says, markup taken out."""
    kinds = (
        app.title,
        app.header,
        app.subheader,
        app.caption,
        app.markdown,
        app.error,
        app.warning,
        app.success,
        app.code,
    )
    said = [read(element.value) for kind in kinds for element in kind]
    said += [unescape(re.sub(r"<[^>]+>", " ", element.proto.body.replace("<wbr>", ""))) for element in app.get("html")]
    said += [read(element.proto.label) for element in app.get("page_link")]
    return re.sub(r"\s+", " ", " ".join(said))


def read(markdown: str) -> str:
    """Returns Markdown as it is read, as far as it was escaped."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown).replace("\u2060", "")


def shown(app: AppTest) -> list[str]:
    """Titles of the cards, in order."""
    return [read(element.proto.label) for element in app.get("page_link")]


def test_the_shelf_shows_evidence_and_prices(visit, stocked):
    app = visit(stocked)
    assert not app.exception
    assert shown(app) == ["Press the button", "Open the drawer", "Touch the cube (SO-100)"], "best evidence first"
    said = words(app)
    assert "65% 13 of 20 rollouts · 95% interval 43–82%" in said
    assert said.count("In simulation") == 3
    assert "€19" in said
    assert "Free" in said
    assert "sawyer · top + wrist camera" in said
    assert "No recording" not in said


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"q": "drawer"}, ["Open the drawer"]),
        ({"q": "DRAWER handle"}, ["Open the drawer"]),
        ({"robot": "so100"}, ["Touch the cube (SO-100)"]),
        ({"price": "Free"}, ["Touch the cube (SO-100)"]),
        ({"price": ["10 to 25", "Over 25"]}, ["Press the button", "Open the drawer"]),
        ({"success": "25%"}, ["Press the button", "Open the drawer"]),
        ({"success": "25%", "q": "button"}, ["Press the button"]),
        ({"success": "75%"}, []),
        ({"q": "unicycle"}, []),
        ({"q": "handle DRAWER", "sort": "Lowest price"}, ["Open the drawer"]),
        ({"sort": "Lowest price"}, ["Touch the cube (SO-100)", "Press the button", "Open the drawer"]),
        ({"cameras": "top + wrist", "task": "press"}, ["Press the button"]),
        ({"licence": "MIT"}, []),
        ({"robot": "<script>alert(1)</script>"}, []),
    ],
)  # fmt: skip
def test_what_the_address_asks_for_is_shown(visit, stocked, query, expected):
    app = visit(stocked, **query)
    assert not app.exception
    assert shown(app) == expected
    assert ("Nothing matches" in words(app)) == (expected == [])


def test_a_search_without_a_match_can_be_cleared(visit, stocked):
    app = visit(stocked)
    app.text_input(key="q").set_value("unicycle").run()
    assert shown(app) == []
    app.button(key="clear-search").click().run()
    assert not app.exception
    assert len(shown(app)) == 3


def test_facets_are_chosen_and_taken_back(visit, stocked):
    app = visit(stocked)
    assert read(app.checkbox(key="robot=sawyer").label) == "sawyer :gray[2]"
    app.checkbox(key="robot=sawyer").check().run()
    assert shown(app) == ["Press the button", "Open the drawer"]
    assert app.query_params["robot"] in ("sawyer", ["sawyer"])
    assert read(app.checkbox(key="robot=so100").label) == "so100 :gray[1]", "another value of the facet would add one"
    app.checkbox(key="task=drawer").check().run()
    assert shown(app) == ["Open the drawer"]
    app.button(key="drop-robot=sawyer").click().run()
    assert "robot" not in app.query_params
    app.button(key="clear-facets").click().run()
    assert not app.exception
    assert len(shown(app)) == 3


def test_a_page_that_is_not_there_is_the_last_one(visit, stocked):
    app = visit(stocked)
    app.query_params["page"] = "7"
    assert len(shown(app.run())) == 3


def test_a_pack_shows_everything_that_decides(visit, stocked):
    app = visit(stocked, skill="press-button")
    assert not app.exception
    said = words(app)
    for expected in (
        "Press the button", "for sawyer · version 1.1.0 · by deftworks", "65% success, 13 of 20 rollouts 95% interval 43–82%",
        "What your robot needs", "Actions per second 30", "Sees with top + wrist camera", "Learnt from 38 episodes", "top 64 × 48 px required observation.images.camera1",
        "1 shoulder_pan.pos deg -90 to 90", "garage-nine 20 4,174 Apache-2.0, CC-BY-4.0",
        "1.1.0 this one Trained on 8 more episodes (38 in all).", "1.0.0 First version.", "Signature verified",
        "deftworks pack verify press-button-1.1.0 --key deftworks.pem", "€19", "Give it back within 14 days",
        "Shown are 2 of 13 successes and 2 of 7 failures", "100 steps; the loss went from 1 to 0.1",
        "Recorded by garage-nine", "Does it run on my robot?", "Nobody who bought it",
    ):  # fmt: skip
        assert expected in said, expected
    assert len(app.get("video")) == 5, "the first success large, and every recording below"
    assert "Doing nothing 5% · 1 of 20 95% interval" in said
    assert len(app.get("vega_lite_chart")) == 1, "the learning curve"
    assert "/api/sign-in?next=%2Fpack%3Fskill%3Dpress-button" in " ".join(
        element.proto.body for element in app.get("html")
    )


def test_a_free_pack_is_free(visit, stocked):
    assert "Free" in words(visit(stocked, skill="so100-touch-cube"))


@pytest.mark.parametrize("skill", ["nothing", "", "../../etc"])
def test_an_unknown_pack_is_said_to_be_none(visit, stocked, skill):
    app = visit(stocked, skill=skill)
    assert not app.exception
    assert "There is no such skill here" in words(app)


@pytest.mark.parametrize("page", [None, PACK])
def test_before_the_first_release_the_shop_says_so(visit, bare, page):
    app = visit(bare, page=page)
    assert not app.exception
    assert "The shelves are still empty" in words(app)


def test_an_empty_release_is_said_to_be_empty(visit, empty):
    app = visit(empty)
    assert not app.exception
    assert "No skills on the shelf right now" in words(app)


@pytest.mark.parametrize("query", [{}, {"skill": "press-button"}])
def test_a_broken_release_is_a_message_with_a_way_out(visit, own_copy, query):
    path = own_copy.releases / "1" / "catalogue.duckdb"
    path.write_bytes(path.read_bytes() + b"x")
    app = visit(own_copy, **query)
    assert not app.exception
    assert "The catalogue of release 1 was changed." in words(app)
    assert "Build the release again." in words(app)


def test_a_broken_pointer_is_a_message(visit, own_copy):
    (own_copy.releases / "CURRENT").write_text("{")
    app = visit(own_copy)
    assert not app.exception
    assert "is not a valid ReleasePointer" in app.error[0].value


def test_a_tampered_pack_is_called_so(visit, own_copy):
    (own_copy.pack("press-button", "1.1.0") / "README.md").write_text("100% success")
    app = visit(own_copy, skill="press-button")
    assert not app.exception
    assert "Signature does not hold" in app.error[0].value
    assert "README.md" in read(app.error[0].value)
    assert "Signature verified" not in words(app)


def test_another_signed_pack_in_its_place_is_noticed(visit, own_copy):
    folder = own_copy.pack("press-button", "1.1.0")
    folder.rename(folder.with_name("old"))
    own_copy.pack("open-drawer", "1.0.0").rename(folder)
    app = visit(own_copy, skill="press-button")
    assert "not those that the catalogue names" in app.error[0].value


def test_a_missing_recording_leaves_the_page_whole(visit, own_copy):
    for path in (own_copy.releases / "1" / "media").rglob("*.mp4"):
        path.unlink()
    app = visit(own_copy, skill="press-button")
    assert not app.exception
    assert "No recordings" in words(app)


def test_how_it_works_says_what_the_numbers_mean(visit, stocked):
    app = visit(stocked, page="app_pages/about.py")
    assert not app.exception
    assert "95% Wilson score interval" in words(app)
    assert "Who gets the money" in words(app)


def test_a_release_made_meanwhile_is_shown(visit, own_copy):
    from marketplace.catalogue import build_release

    app = visit(own_copy)
    assert len(shown(app)) == 3
    build_release(own_copy, [own_copy.pack("open-drawer", "1.0.0")])
    assert shown(app.run()) == ["Open the drawer"]
