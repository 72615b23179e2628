"""Damage to video files: of their bytes and boxes, or something else in their place."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path
from random import Random

from tests.fuzz.mutate_text import flipped

_TYPES = (b"moov", b"mdat", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"stts", b"stsc", b"stsz", b"stco", b"ctts", b"stss", b"tkhd", b"mdhd", b"mvhd", b"elst", b"avc1", b"av01", b"avcC", b"av1C", b"hdlr")  # fmt: skip


def mutate_video(rng: Random, path: Path, folder: Path, parts: Path) -> str:
    """The file is cut, partly overwritten, its boxes swapped, or it is another file."""
    content = path.read_bytes()
    size = len(content)
    at = rng.randrange(max(size, 1))
    how = rng.choice((
        "flip", "flip", "flip header", "flip header", "box", "box", "box number", "box number", "box number", "cut", "cut", "empty", "zeros", "noise",
        "swapped", "audio", "huge", "png", "text", "parquet", "twice", "other video", "wide",
    ))  # fmt: skip
    boxes = [place for kind in _TYPES for place in _all(content, kind)]
    if how in ("box", "box number") and boxes:
        place = rng.choice(boxes)
        kind = content[place : place + 4].decode("latin-1")
        if how == "box":
            changed = (
                content[: place - 4]
                + struct.pack(">I", rng.choice((0, 1, 7, 8, 2**31 - 1, 2**32 - 1)))
                + content[place:]
            )
        else:
            spot = place + 4 + 4 * rng.randrange(12)
            changed = (
                content[:spot]
                + struct.pack(">I", rng.choice((0, 1, 2**16, 2**31 - 1, 2**31, 2**32 - 1)))
                + content[spot + 4 :]
            )
        path.write_bytes(changed)
        return f"{path.name}: {how} of {kind}"
    head = content.find(b"mdat") if content.find(b"mdat") > 64 else 900
    if how in ("audio", "huge"):
        shutil.copyfile(parts / f"{how}.mp4", path)
        return f"{path.name}: {how}"
    changed = {
        "cut": lambda: content[:at],
        "empty": lambda: b"",
        "zeros": lambda: content[:at] + bytes(min(rng.choice((1, 64, 2_000)), size - at)) + content[at + 2_000 :],
        "noise": lambda: content[:at] + rng.randbytes(min(400, size - at)) + content[at + 400 :],
        "swapped": lambda: content[size // 2 :] + content[: size // 2],
        "png": lambda: b"\x89PNG\r\n\x1a\n" + rng.randbytes(200),
        "text": lambda: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        "parquet": lambda: b"ffconcat version 1.0\nfile /etc/passwd\n",
        "twice": lambda: content + content,
        "flip header": lambda: flipped(rng, content[:head]) + content[head:],
        "other video": lambda: _other(rng, path, folder, content),
        "wide": lambda: _wider(content),
    }.get(how, lambda: flipped(rng, content))()
    path.write_bytes(changed)
    return f"{path.name}: {how}"


def mutate_image(rng: Random, content: bytes, parts: Path) -> bytes:
    """Returns something in the place of a picture."""
    how = rng.randrange(6)
    return [
        lambda: b"",
        lambda: flipped(rng, content),
        lambda: content[: len(content) // 2],
        lambda: (parts / "huge.png").read_bytes(),
        lambda: b"\xff\xd8\xff\xe0" + rng.randbytes(300),
        lambda: content[:16] + struct.pack(">II", 60_000, 60_000) + content[24:],
    ][how]()


def _all(content: bytes, kind: bytes) -> list[int]:
    found, place = [], content.find(kind)
    while place >= 4:
        found.append(place)
        place = content.find(kind, place + 4)
    return found


def _other(rng: Random, path: Path, folder: Path, content: bytes) -> bytes:
    others = sorted(p for p in folder.rglob("*.mp4") if p != path and p.is_file())
    return rng.choice(others).read_bytes() if others else content[:100]


def _wider(content: bytes) -> bytes:
    """Declares 65535 pixels each way in the sample entry and the track header."""
    changed = bytearray(content)
    for kind in (b"avc1", b"av01"):
        for place in _all(content, kind):
            changed[place + 28 : place + 32] = b"\xff\xff\xff\xff"
    for place in _all(content, b"tkhd"):
        changed[place + 80 : place + 88] = b"\xff\xff\x00\x00" * 2
    return bytes(changed)
