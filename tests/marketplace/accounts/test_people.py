"""Persons, who vouches for them, and which contributor they are."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from data_contracts.errors import AccountError
from marketplace.accounts.people import (
    add_person,
    assign_contributor,
    claimed_contributors,
    get_person,
    has_operator,
    link_identity,
    people,
    person_of_contributor,
    person_of_email,
    person_of_identity,
    set_country,
)
from marketplace.accounts.tables import person
from marketplace.database import read, write
from marketplace.shop import Shop


@pytest.fixture
def two(shop: Shop) -> tuple[str, str]:
    """The ids of Ada and of Ben, who runs the shop."""
    with write(shop.engine) as connection:
        ada = add_person(connection, "Ada", "ada@example.org", "hash", shop.now())
        ben = add_person(connection, "Ben", "ben@example.org", "hash", shop.now(), country="de", roles=("operator",))
    return ada.id, ben.id


def test_a_contributors_name_is_one_persons(shop: Shop, two: tuple[str, str]) -> None:
    ada, ben = two
    with write(shop.engine) as connection:
        assert claimed_contributors(connection) == set()
        assign_contributor(connection, ada, "lab-of-ada")
        assert claimed_contributors(connection) == {"lab-of-ada"}
        with pytest.raises(AccountError, match=ada):
            assign_contributor(connection, ben, "lab-of-ada")
        assign_contributor(connection, ada, "lab-of-ada")
        assert person_of_contributor(connection, "lab-of-ada").id == ada
        assign_contributor(connection, ada, None)
        assign_contributor(connection, ben, "lab-of-ada")
        assert person_of_contributor(connection, "lab-of-ada").id == ben


def test_an_openid_provider_can_vouch_for_somebody_later(shop: Shop, two: tuple[str, str]) -> None:
    ada, ben = two
    issuer = "https://accounts.example"
    with write(shop.engine) as connection:
        assert person_of_identity(connection, issuer, "1007") is None
        for _ in range(2):
            link_identity(connection, ada, issuer, "1007")
        assert person_of_identity(connection, issuer, "1007").id == ada
        with pytest.raises(AccountError, match="another person"):
            link_identity(connection, ben, issuer, "1007")


def test_people_are_listed_and_found(shop: Shop, two: tuple[str, str]) -> None:
    with read(shop.engine) as connection:
        assert [found.id for found in people(connection)] == sorted(two)
        assert person_of_email(connection, "BEN@EXAMPLE.ORG").country == "DE"
        assert person_of_email(connection, "ben\x00@example.org") is None
        assert has_operator(connection)
        with pytest.raises(AccountError, match="no person"):
            get_person(connection, "person_0")


def test_a_country_can_be_said_and_taken_back(shop: Shop, two: tuple[str, str]) -> None:
    with write(shop.engine) as connection:
        set_country(connection, two[0], "gb")
        assert get_person(connection, two[0]).country == "GB"
        set_country(connection, two[0], "")
        assert get_person(connection, two[0]).country is None


@pytest.mark.parametrize(
    "change",
    [{"email_key": "BEN@example.org"}, {"email": "ben@example.org", "email_key": "ben@example.org"},
     {"display_name": ""}, {"country": "DEU"}],
)  # fmt: skip
def test_the_database_itself_refuses_whom_the_code_would_not_make(
    shop: Shop, two: tuple[str, str], change: dict[str, str]
) -> None:
    with pytest.raises(IntegrityError), write(shop.engine) as connection:
        connection.execute(person.update().where(person.c.id == two[0]).values(**change))
