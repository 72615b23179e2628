"""Words, facets, counts, order and pages; and that 2,000 packs are searched while somebody types."""

from __future__ import annotations

import random
import time
from statistics import median

import polars as pl
import pytest

from marketplace.catalogue import build_release, open_catalogue
from marketplace.release_tables import task_words
from marketplace.search import FACETS, PAGE_SIZE, Wish, folded, prepared, search, search_frame

VERBS, THINGS = (
    ("Press", "Open", "Lift", "Turn", "Wipe"),
    ("the drawer", "the button", "a cup", "the door", "the table"),
)


def row(number: int, **changes) -> dict:
    values = {
        "skill_id": f"skill-{number:04d}", "version": "1.0.0", "pack_id": "sha256:0", "title": "Open the drawer",
        "description": "Pulls it open.", "task_words": ["open", "drawer"], "robot_type": "so100", "camera_roles": ["top", "wrist"],
        "licences": ["CC-BY-4.0"], "world": "metaworld/drawer-open-v3", "is_simulated": True, "num_successes": 13,
        "num_rollouts": 20, "success_low": 0.43, "success_high": 0.82, "baseline_successes": 0, "num_episodes": 10,
        "num_contributors": 2, "price_minor": 1900, "currency": "EUR", "path": "", "size_bytes": 1, "first_release": 1,
    }  # fmt: skip
    return values | changes


def shelf(*rows: dict) -> pl.DataFrame:
    return prepared(pl.DataFrame(rows))


def many(number: int) -> pl.DataFrame:
    dice = random.Random(0)
    return shelf(
        *(
            row(
                n, title=(title := f"{dice.choice(VERBS)} {dice.choice(THINGS)} {n}"), task_words=task_words(title),
                description=f"{title}, carefully and from above, on a table of a laboratory.",
                robot_type=dice.choice(("so100", "so101", "sawyer", "koch", "aloha")),
                camera_roles=dice.choice((["top", "wrist"], ["top"], ["front", "wrist"], [])),
                licences=dice.choice((["CC-BY-4.0"], ["Apache-2.0"], ["Apache-2.0", "CC-BY-4.0"])),
                price_minor=dice.choice((0, 900, 1900, 4900)), success_low=dice.random(), first_release=dice.randint(1, 40),
            )
            for n in range(number)
        )
    )  # fmt: skip


def found(frame: pl.DataFrame, **wish) -> list[str]:
    return [one["skill_id"] for one in search(frame, Wish(**wish)).rows]


@pytest.mark.parametrize(
    ("text", "is_there"),
    [
        ("drawer", True), ("DRAWER", True), ("drawer open", True), ("open  drawer", True), ("draw", True), ("so100", True),
        ("pulls", True), ("drawer-open", True), ("  ", True), ("Dráwer", True), ("unicycle", False), ("drawer unicycle", False),
        ("%", True), (".*", True), ("' OR 1=1 --", False),
    ],
)  # fmt: skip
def test_words_in_any_order_and_case(text, is_there):
    assert bool(found(shelf(row(1)), text=text)) is is_there


def test_letters_of_other_scripts_are_letters():
    assert folded("Ärmel ŠKODA, straße") == "armel skoda strasse"
    assert found(shelf(row(1, title="Öffne die Schublade")), text="offne schublade")


def test_within_a_facet_any_value_and_all_facets_together():
    frame = shelf(
        row(1), row(2, robot_type="sawyer"), row(3, robot_type="koch", price_minor=0), row(4, camera_roles=[], price_minor=0)
    )  # fmt: skip
    assert found(frame, chosen={"robot": frozenset({"sawyer", "koch"})}) == ["skill-0002", "skill-0003"]
    assert found(frame, chosen={"robot": frozenset({"so100"}), "price": frozenset({"Free"})}) == ["skill-0004"]
    assert found(frame, chosen={"cameras": frozenset({"none"})}) == ["skill-0004"]
    assert found(frame, chosen={"task": frozenset({"nothing"})}) == []


def test_the_success_facet_goes_by_the_lower_end():
    frame = shelf(row(1, success_low=0.499, num_successes=20), row(2, success_low=0.5))
    assert found(frame, chosen={"success": frozenset({"50%"})}) == ["skill-0002"]


def test_counts_say_what_each_value_would_show():
    frame = shelf(row(1), row(2, robot_type="sawyer"), row(3, robot_type="sawyer", price_minor=0))
    answer = search(frame, Wish(chosen={"price": frozenset({"Free"})}))
    assert answer.num_found == 1
    assert answer.counts["robot"] == {"sawyer": 1}
    assert answer.counts["price"] == {"10 to 25": 2, "Free": 1}, "a facet's own choice does not count"
    for facet in FACETS:
        for value, number in answer.counts[facet].items():
            chosen = {"price": frozenset({"Free"})} | {facet: frozenset({value})}
            assert search(frame, Wish(chosen=chosen)).num_found == number, (facet, value)


@pytest.mark.parametrize(
    ("order", "expected"),
    [("evidence", ["skill-0002", "skill-0003", "skill-0001"]), ("price", ["skill-0003", "skill-0001", "skill-0002"]),
     ("newest", ["skill-0001", "skill-0002", "skill-0003"])],
)  # fmt: skip
def test_orders(order, expected):
    frame = shelf(
        row(1, success_low=0.1, price_minor=1500, first_release=7), row(2, success_low=0.9, price_minor=4900, first_release=2),
        row(3, success_low=0.5, price_minor=1500, currency="EUR", first_release=1),
    )  # fmt: skip
    assert found(frame, order=order) == expected


def test_prices_are_compared_in_units_of_their_currency():
    assert found(shelf(row(1, price_minor=1500, currency="JPY"), row(2, price_minor=4900)), order="price") == [
        "skill-0002", "skill-0001",
    ]  # fmt: skip


def test_every_pack_is_on_one_page():
    frame = many(2 * PAGE_SIZE + 5)
    pages = [search(frame, Wish(page=number)) for number in (1, 2, 3)]
    assert [len(page.rows) for page in pages] == [PAGE_SIZE, PAGE_SIZE, 5]
    assert len({one["skill_id"] for page in pages for one in page.rows}) == frame.height
    assert pages[0].num_pages == 3
    assert search(frame, Wish(page=99)).page == 3
    assert search(frame, Wish(text="unicycle", page=99)).page == 1


def test_a_release_says_what_facets_need(lake, add_pack):
    first = add_pack("press-button")
    build_release(lake, [first])
    build_release(lake, [first, add_pack("b", price_minor=0)])
    frame = search_frame(open_catalogue(lake))
    rows = {one["skill_id"]: one for one in search(frame, Wish()).rows}
    assert rows["press-button"]["task_words"] == ["press", "button"]
    assert rows["press-button"]["camera_roles"] == ["top", "wrist"]
    assert rows["press-button"]["licences"] == ["CC-BY-4.0"]
    assert {name: one["first_release"] for name, one in rows.items()} == {"press-button": 1, "b": 2}
    assert found(frame, order="newest")[0] == "b"


def test_task_words_leave_out_what_says_nothing():
    assert task_words("Put the 2 red cubes into the box (SO-100)") == ["put", "red", "cubes", "box"]


def test_two_thousand_packs_are_searched_in_a_moment():
    frame, dice, spans = many(2000), random.Random(1), []
    for number in range(40):
        wish = Wish(
            text=dice.choice(("", "drawer", "open cup", "laboratory table")),
            chosen={"robot": frozenset({"so100"})} if number % 2 else {},
            order=dice.choice(("evidence", "price", "newest")),
            page=dice.randint(1, 5),
        )
        begun = time.perf_counter()
        search(frame, wish)
        spans.append(time.perf_counter() - begun)
    assert median(spans) < 0.1, f"median {median(spans) * 1000:.1f} ms"
