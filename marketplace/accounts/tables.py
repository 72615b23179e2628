"""Tables of people, how they come in, and what happened, as queries name them. Made by migration 0002.

Belongs here: columns. Not here: money (`marketplace.tables`). Of passwords, sessions, links and tokens only hashes are kept.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Table, Text

from marketplace.tables import metadata

person = Table(
    "person",
    metadata,
    Column("id", Text, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("email", Text, nullable=False),  # As it was typed.
    Column("email_key", Text, nullable=False, unique=True),  # In lower case: by it people are found.
    Column("country", Text),  # ISO 3166, two letters.
    Column("contributor", Text, unique=True),  # The name in packs' provenance that is this person's.
    Column("created_at", Text, nullable=False),
    Column("disabled_at", Text),
)

person_role = Table(
    "person_role",
    metadata,
    Column("person_id", Text, ForeignKey("person.id"), primary_key=True),
    Column("role", Text, primary_key=True),
    Column("granted_at", Text, nullable=False),
)

identity = Table(
    "identity",
    metadata,
    Column("issuer", Text, primary_key=True),  # "local", later the URL of an OpenID provider.
    Column("subject", Text, primary_key=True),  # The person's id where it is local.
    Column("person_id", Text, ForeignKey("person.id"), nullable=False, index=True),
    Column("secret_hash", Text),  # argon2, where it is local.
)

person_session = Table(
    "person_session",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("person.id"), nullable=False, index=True),
    Column("created_at", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
    Column("seen_at", Text, nullable=False),  # Within ten minutes.
    Column("revoked_at", Text),
)

one_time_link = Table(
    "one_time_link",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("person_id", Text, ForeignKey("person.id"), index=True),  # None makes a person.
    Column("created_at", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
    Column("used_at", Text),
)

api_token = Table(
    "api_token",
    metadata,
    Column("id", Text, primary_key=True),  # Also the visible part of the token itself.
    Column("token_hash", Text, nullable=False, unique=True),
    Column("person_id", Text, ForeignKey("person.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),  # Sorted, with a space between.
    Column("created_at", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
    Column("used_at", Text),  # Within ten minutes.
    Column("revoked_at", Text),
)

audit_event = Table(
    "audit_event",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),  # 1, 2, 3, ...
    Column("who", Text, nullable=False, index=True),  # A person's id, "stranger" or "shop".
    Column("what", Text, nullable=False),
    Column("about", Text, nullable=False),  # JSON.
    Column("at", Text, nullable=False),
)
