"""What crosses a boundary between rooms: identifiers, errors, findings, tables, manifests, stages, the lake's layout.

`lerobot/` reads and writes the dataset format. Imports no other room; holds no logic of a stage.
"""
