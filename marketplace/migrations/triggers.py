"""What makes a database refuse a change, in SQLite and in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable

from alembic import op

Rule = tuple[str, str, str, str | None, str]
"""(name, event, table, when it is refused: None is always, what the database says)."""


def refuse(rules: Iterable[Rule]) -> None:
    """Creates a trigger for each rule."""
    for rule in rules:
        for statement in _statements(*rule):
            op.execute(statement)


def forget(rules: Iterable[Rule]) -> None:
    """Removes what tables that were dropped leave behind."""
    if op.get_bind().dialect.name == "postgresql":
        for name, *_ in rules:
            op.execute(f"DROP FUNCTION {name}()")


def kept(table: str, what: str) -> tuple[Rule, Rule]:
    """Returns the rules of a table whose rows are added and never changed or removed."""
    return (
        (f"{table}_is_kept", "UPDATE", table, None, f"{what} is append-only"),
        (f"{table}_is_never_removed", "DELETE", table, None, f"{what} is append-only"),
    )


def _statements(name: str, event: str, table: str, when: str | None, said: str) -> list[str]:
    if op.get_bind().dialect.name == "sqlite":
        condition = f"WHEN {when}" if when else ""
        return [f"CREATE TRIGGER {name} BEFORE {event} ON {table} {condition} BEGIN SELECT RAISE(ABORT, '{said}'); END"]
    body = f"RAISE EXCEPTION '{said}' USING ERRCODE = 'integrity_constraint_violation';"
    checked = f"IF {when} THEN {body} END IF; RETURN NEW;" if when else body
    return [
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {checked} END $$",
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
    ]
