"""People: who they are, how they come in, and an audit trail that the database itself keeps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from marketplace.migrations.triggers import forget, kept, refuse

revision = "0002"
down_revision = "0001"

TABLES = ("person", "person_role", "identity", "person_session", "one_time_link", "api_token", "audit_event")
INDEXES = (
    ("identity", "person_id"),
    ("person_session", "person_id"),
    ("one_time_link", "person_id"),
    ("api_token", "person_id"),
    ("audit_event", "who"),
)
RULES = kept("audit_event", "the audit trail")


def upgrade() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("email_key", sa.Text, nullable=False),
        sa.Column("country", sa.Text),
        sa.Column("contributor", sa.Text),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("disabled_at", sa.Text),
        sa.PrimaryKeyConstraint("id", name="person_has_an_id"),
        sa.UniqueConstraint("email_key", name="person_has_an_email_of_their_own"),
        sa.UniqueConstraint("contributor", name="contributor_is_one_person"),
        sa.CheckConstraint("email_key = lower(email)", name="person_is_found_by_email"),
        sa.CheckConstraint("length(display_name) BETWEEN 1 AND 80", name="person_has_a_name"),
        sa.CheckConstraint("country IS NULL OR length(country) = 2", name="person_has_a_country_or_none"),
    )
    op.create_table(
        "person_role",
        sa.Column("person_id", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("granted_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "role", name="role_is_granted_once"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="role_is_of_a_person"),
        sa.CheckConstraint("role IN ('owner', 'contributor', 'reviewer', 'operator')", name="role_is_known"),
    )
    op.create_table(
        "identity",
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("person_id", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.Text),
        sa.PrimaryKeyConstraint("issuer", "subject", name="identity_is_one_person"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="identity_is_of_a_person"),
        sa.CheckConstraint("(issuer = 'local') = (secret_hash IS NOT NULL)", name="local_identity_has_a_secret"),
    )
    op.create_table(
        "person_session",
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("person_id", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Text, nullable=False),
        sa.Column("seen_at", sa.Text, nullable=False),
        sa.Column("revoked_at", sa.Text),
        sa.PrimaryKeyConstraint("token_hash", name="session_has_a_token"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="session_is_of_a_person"),
        sa.CheckConstraint("length(token_hash) = 64", name="session_is_kept_as_a_hash"),
        sa.CheckConstraint("expires_at > created_at", name="session_ends"),
    )
    op.create_table(
        "one_time_link",
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("person_id", sa.Text),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Text, nullable=False),
        sa.Column("used_at", sa.Text),
        sa.PrimaryKeyConstraint("token_hash", name="link_has_a_token"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="link_is_of_a_person"),
        sa.CheckConstraint("purpose IN ('first_operator', 'new_password')", name="link_has_a_purpose"),
        sa.CheckConstraint("(purpose = 'first_operator') = (person_id IS NULL)", name="link_makes_or_names_a_person"),
        sa.CheckConstraint("length(token_hash) = 64", name="link_is_kept_as_a_hash"),
        sa.CheckConstraint("expires_at > created_at", name="link_ends"),
    )
    op.create_table(
        "api_token",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("person_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Text, nullable=False),
        sa.Column("used_at", sa.Text),
        sa.Column("revoked_at", sa.Text),
        sa.PrimaryKeyConstraint("id", name="api_token_has_an_id"),
        sa.UniqueConstraint("token_hash", name="api_token_is_one"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="api_token_is_of_a_person"),
        sa.CheckConstraint("length(token_hash) = 64", name="api_token_is_kept_as_a_hash"),
        sa.CheckConstraint("length(scopes) > 0", name="api_token_may_do_something"),
        sa.CheckConstraint("expires_at > created_at", name="api_token_ends"),
    )
    op.create_table(
        "audit_event",
        sa.Column("number", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="audit_event_has_a_number"),
    )
    for table, column in INDEXES:
        op.create_index(f"ix_{table}_{column}", table, [column])
    refuse(RULES)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    forget(RULES)
