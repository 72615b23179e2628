"""Damage to JSON, JSON lines and the card. Each function changes one file of a dataset and says in a few words how."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

HOSTILE_NAMES = (
    "",
    "a/b",
    "../../outside",
    "/etc/passwd",
    "a\0b",
    "a\nb",
    "\ud800",
    "x" * 5000,
    "{episode_index}",
    ".",
    "..",
    "~",
    "é",
)
TEMPLATES = (
    "../outside/episode_{episode_index:06d}.parquet", "/etc/passwd", "{outside}/victim.parquet", "{episode_index.__class__}",
    "{episode_index:0999999999d}", "{episode_index:>999999999}", "{0}", "{}", "{{{{", "{video_key}" * 500, "\0", "~/x", "",
    "data/chunk-{episode_index:03d}/episode_{episode_chunk:06d}.parquet", "data/*/*.parquet", "{video_key!r:>99999999}", ".",
)  # fmt: skip
NUMBERS = (
    0, -1, 1, 7, 29.97, 0.1, 1e-308, 1e308, -1e308, math.nan, math.inf, -math.inf, 2**31, 2**53, 2**53 + 1, 2**63, 2**64, 10**9,
    10**12, 10**30, 10**400,
)  # fmt: skip


def any_value(rng: Random) -> Any:
    """Returns a JSON value that nobody expects."""
    choice = rng.randrange(8)
    if choice <= 2:
        return rng.choice(NUMBERS)
    if choice == 3:
        return rng.choice(
            ("", " ", "0", "1e400", "nan", "v3.0", "true", "x" * 100_000, "%s%n", *HOSTILE_NAMES, *TEMPLATES)
        )
    if choice == 4:
        return rng.choice((None, True, False))
    if choice == 5:
        return rng.choice(
            ([], [[]], {}, {"": None}, [None], [1, 2], [[1, 2], [3]], [10**9], [10**9] * 3, {"a": {"b": [{}]}})
        )
    if choice == 6:
        return nested(rng.choice((3, 50, 900)))
    return rng.choice(([0] * 20_000, ["x"] * 20_000, {str(n): n for n in range(5_000)}))


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def paths_in(value: Any, before: tuple = ()) -> list[tuple]:
    """Returns the path of every value inside a JSON value, its own, (), first."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [before, *(path for key, child in inner for path in paths_in(child, (*before, key)))]


def put(value: Any, path: tuple, change: Callable[[Any, Any], None]) -> None:
    """Calls `change` with the container that holds `path`, and the last step of it."""
    for step in path[:-1]:
        value = value[step]
    change(value, path[-1])


def mutate_json(rng: Random, path: Path) -> str:
    """One value, key or line of a JSON file is replaced, removed, renamed or doubled."""
    is_lines = path.suffix == ".jsonl"
    text = path.read_text()
    document = [json.loads(line) for line in text.splitlines() if line] if is_lines else json.loads(text)
    places = paths_in(document)[1:]
    if not places:
        return mutate_bytes(rng, path)
    if path.name == "info.json" and rng.random() < 0.5:
        return _mutate_info(rng, path, document)
    place = rng.choice(places)
    how = rng.choice(("replace", "replace", "replace", "remove", "rename", "double"))
    new = any_value(rng)
    if how == "replace":
        put(document, place, lambda holder, key: holder.__setitem__(key, new))
    elif how == "remove":
        put(document, place, lambda holder, key: holder.__delitem__(key))
    elif how == "rename":
        name = rng.choice(HOSTILE_NAMES)
        put(document, place, lambda holder, key: _rename(holder, key, name))
    else:
        put(document, place, lambda holder, key: _double(holder, key, new))
    _write(path, document, is_lines)
    return f"{path.name}: {how} {'.'.join(map(str, place))} {short(new) if how != 'remove' else ''}"


def _mutate_info(rng: Random, path: Path, info: dict[str, Any]) -> str:
    """The parts of info.json that decide how much is read, and from where."""
    key = rng.choice((
        "data_path", "video_path", "total_episodes", "total_frames", "total_tasks", "chunks_size", "fps", "codebase_version",
        "robot_type", "splits", "shape", "names", "dtype", "info", "feature key", "many features",
    ))  # fmt: skip
    feature = rng.choice(list(info["features"]))
    new: Any = any_value(rng)
    if key.endswith("_path"):
        new = rng.choice(TEMPLATES).replace("{outside}", str(path.parents[2] / "outside"))
    elif key == "shape":
        new = rng.choice(
            ([10**9], [10**9, 10**9, 3], [0], [], [-1], [3, 32, 32], [32, 32], [1.5], ["3"], [3] * 40, 3, None)
        )
    elif key == "names":
        new = rng.choice((None, [], ["a"], [["a", "b", "c"]], {"motors": ["a", "b", "c"]}, {"a": 0, "b": 1, "c": 2}, ["\ud800"] * 3, [None] * 3, [1, 2, 3], ["a", "a", "a"], new))  # fmt: skip
    elif key == "dtype":
        new = rng.choice(("video", "image", "string", "language", "float16", "int8", "object", "O", "U10", "S3", "V8", "M8[ns]", "bool", "complex128", "f4,f4", "(3,)f4", "x" * 999, "\0", new))  # fmt: skip
    elif key == "codebase_version":
        new = rng.choice(
            ("v2.0", "v2.1", "v3.0", "3.0", "v3.1", "v99.0", "v3.0.0.0", "v" + "9" * 5000 + ".0", "٣.٠", new)
        )
    if key in ("shape", "names", "dtype", "info"):
        info["features"][feature][key] = new
    elif key == "feature key":
        new = rng.choice(HOSTILE_NAMES)
        info["features"][new] = info["features"][feature] if rng.random() < 0.5 else info["features"].pop(feature)
    elif key == "many features":
        new = rng.choice((30, 1500))
        info["features"] |= {f"{feature}.{n}": info["features"][feature] for n in range(new)}
    else:
        info[key] = new
    _write(path, info, is_lines=False)
    return f"info.json: {key} of {feature!r} is {short(new)}"


def mutate_bytes(rng: Random, path: Path) -> str:
    """The file is cut, emptied, encoded otherwise, or is something else altogether."""
    content = path.read_bytes()
    how = rng.choice((
        "empty", "cut", "bom", "utf-16", "utf-32", "latin-1", "nul", "flip", "deep", "deep open", "many digits", "nan", "spaces",
        "one line", "crlf", "lfs", "twice", "keys twice", "surrogate", "many lines",
    ))  # fmt: skip
    text = content.decode("utf-8", errors="replace")
    changed = {
        "empty": lambda: b"",
        "cut": lambda: content[: rng.randrange(len(content) or 1)],
        "bom": lambda: b"\xef\xbb\xbf" + content,
        "utf-16": lambda: text.encode("utf-16", "surrogatepass"),
        "utf-32": lambda: text.encode("utf-32-be", "surrogatepass"),
        "latin-1": lambda: text.replace("P", "é").encode("latin-1", "replace"),
        "nul": lambda: bytes(len(content)),
        "flip": lambda: flipped(rng, content),
        "deep": lambda: b"[" * 200_000 + b"]" * 200_000,
        "deep open": lambda: b'{"a":' * 100_000,
        "many digits": lambda: text.replace(":", ": 1" + "0" * 5_000 + ", \"x\":", 1).encode("utf-8", "surrogatepass"),
        "nan": lambda: text.replace("1", "NaN").encode("utf-8", "surrogatepass"),
        "spaces": lambda: b" " * 1_000_000,
        "one line": lambda: content.replace(b"\n", b" "),
        "crlf": lambda: content.replace(b"\n", b"\r\n"),
        "lfs": lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 12345\n",
        "twice": lambda: content + content,
        "keys twice": lambda: text.replace("{", '{"fps": -1, "features": 3, "tasks": [], "length": 10, ', 1).encode("utf-8", "surrogatepass"),
        "surrogate": lambda: text.replace("cube", "\\ud800").replace("so100", "\\udfff").encode("utf-8", "surrogatepass"),
        "many lines": lambda: content * min(rng.choice((50, 3_000)), 2**25 // (len(content) + 1)),
    }[how]()  # fmt: skip
    path.write_bytes(changed)
    return f"{path.name}: {how}"


def mutate_card(rng: Random, path: Path) -> str:
    """README.md, whose front matter is YAML."""
    laughs = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    fronts = (
        f"{laughs}license: *a39", f"{laughs}tags: [*a39]", "license: [1, null, {a: b}]", "tags: {a: b}", "license: \"\\ud800\"",
        "license: !!python/object/apply:os.system [ls]", "[" * 5_000, "- " * 5_000, "license: 2024-01-01", "? [a]\n: b", "\x07: a",
        "license: *nothing", "tags: [" + "a, " * 100_000 + "]", "license: 0x" + "f" * 5_000, "license: " + "9" * 5_000,
        "license: 9999-99-99", "license: 2024-13-45T99:99:99Z", "a: &a [*a]\nlicense: *a", "<<: 3", "license: !!binary x",
    )  # fmt: skip
    if rng.random() < 0.2:
        return mutate_bytes(rng, path)
    front = rng.choice(fronts)
    path.write_text(f"---\n{front}\n---\nText, no simulation.\n", encoding="utf-8", errors="surrogatepass")
    return f"README.md: {short(front)}"


def flipped(rng: Random, content: bytes) -> bytes:
    """Returns the content with up to 20 bytes replaced."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 2, 5, 20)) if changed else 0):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def short(value: Any) -> str:
    """Returns a value as it may be printed on one line."""
    text = ascii(value) if not isinstance(value, int) or abs(value) < 10**50 else "a number of many digits"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _rename(holder: Any, key: Any, name: str) -> None:
    if isinstance(holder, dict):
        holder[name] = holder.pop(key)
    else:
        holder[key] = {name: holder[key]}


def _double(holder: Any, key: Any, new: Any) -> None:
    if isinstance(holder, list):
        holder.insert(key, holder[key])
    else:
        holder[key] = [holder[key], new]


def _write(path: Path, document: Any, is_lines: bool) -> None:
    lines = [json.dumps(row) for row in document] if is_lines else [json.dumps(document)]
    path.write_text("\n".join(lines) + "\n")
