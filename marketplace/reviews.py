"""Reviews: by people who bought the pack, tied to the version that they run and the robot that they run it on."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from data_contracts.errors import NotFound, OrderError
from marketplace.accounts.tables import person
from marketplace.ledger import moment
from marketplace.order_tables import entitlement, review

MOST_TEXT, MOST_ROBOT = 4000, 80


@dataclass(frozen=True)
class Review:
    id: str
    person_id: str
    name: str
    skill_id: str
    version: str
    robot: str
    stars: int
    text: str
    written_at: str


def write_review(
    connection: Connection, person_id: str, skill_id: str, version: str, robot: str, stars: int, text: str, now: datetime
) -> None:  # fmt: skip
    """Writes a buyer's review, in place of an earlier one of the same skill.

    Raises:
        OrderError: they never bought it, or stars, robot or text are out of bounds.
    """
    bought = select(entitlement.c.id).where(entitlement.c.person_id == person_id, entitlement.c.skill_id == skill_id)
    if connection.execute(bought).first() is None:
        raise OrderError("Only who bought a skill can review it.")
    robot, text = robot.strip(), text.strip()
    if not 1 <= stars <= 5:
        raise OrderError(f"A review has one to five stars, not {stars}.")
    if not robot or len(robot) > MOST_ROBOT:
        raise OrderError(f"Say which robot it ran on, in at most {MOST_ROBOT} characters.")
    if not text or len(text) > MOST_TEXT:
        raise OrderError(f"A review has 1 to {MOST_TEXT} characters.")
    values = {
        "version": version,
        "robot": robot,
        "stars": stars,
        "text": text,
        "written_at": moment(now),
        "hidden_at": None,
    }
    own = (review.c.person_id == person_id) & (review.c.skill_id == skill_id)
    if connection.execute(update(review).where(own).values(**values)).rowcount == 0:
        row = {"id": f"rev_{secrets.token_hex(10)}", "person_id": person_id, "skill_id": skill_id}
        connection.execute(insert(review).values(**row, **values))


def reviews_of(connection: Connection, skill_id: str) -> list[Review]:
    """Returns the reviews of a skill that are shown, newest first."""
    wanted = (
        select(review, person.c.display_name.label("name"))
        .join(person, person.c.id == review.c.person_id)
        .where(review.c.skill_id == skill_id, review.c.hidden_at.is_(None))
        .order_by(review.c.written_at.desc())
    )
    names = Review.__dataclass_fields__
    return [Review(**{name: getattr(row, name) for name in names}) for row in connection.execute(wanted)]


def hide_review(connection: Connection, review_id: str, now: datetime) -> None:
    """Takes a review off the page; it is kept. Raises NotFound."""
    hidden = update(review).where(review.c.id == review_id).values(hidden_at=moment(now))
    if connection.execute(hidden).rowcount == 0:
        raise NotFound(f"There is no review {review_id!r}.")
