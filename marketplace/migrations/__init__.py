"""How the shop's tables came to be, one revision after the other, up and down (Alembic)."""
