"""Beside a robot: serving a pack and driving with it. Empty until packs are served there; see docs/design.md."""
