"""A release is whole or not there, the same content is one release, and only verified packs are on the shelf."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from data_contracts.errors import LakeError, PackTampered, UntrustedKey, VideoUnreadable
from data_contracts.stages import file_sha256
from marketplace import catalogue
from marketplace.catalogue import build_release, open_catalogue
from marketplace.posters import write_poster
from skill_packs.signing import open_signing_key, sign_pack


def releases(lake) -> list[str]:
    return sorted(path.name for path in lake.releases.iterdir())


def test_the_shelf_is_sorted_by_evidence(lake, add_pack):
    packs = [
        add_pack("weak", num_successes=4),
        add_pack("strong", num_successes=18),
        add_pack("middle", num_successes=11),
    ]
    pointer = build_release(lake, packs)
    shelf = open_catalogue(lake)
    assert (pointer.release, shelf.pointer) == (1, pointer)
    assert [row["skill_id"] for row in shelf.packs()] == ["strong", "middle", "weak"]
    first = shelf.packs()[0]
    assert (first["num_successes"], first["num_rollouts"], first["baseline_successes"]) == (18, 20, 1)
    assert first["success_low"] == pytest.approx(0.699, abs=1e-3)
    assert (lake.home / first["path"]).samefile(packs[1])
    assert first["pack_id"] == file_sha256(packs[1] / "pack.json")
    assert shelf.pack("strong").skill_id == "strong"
    assert shelf.contributors("strong")[0] == {
        "contributor": "bo", "num_episodes": 2, "num_frames": 204, "licences": ["CC-BY-4.0"],
    }  # fmt: skip


def test_the_tables_say_who_taught_what_and_what_happened(lake, add_pack):
    build_release(lake, [add_pack("press-button")])
    shelf = open_catalogue(lake)
    assert shelf.query("SELECT count(*), sum(num_frames) FROM episodes WHERE skill_id = ?", "press-button").row(0) == (
        4,
        406,
    )
    assert shelf.query("SELECT policy, sum(is_success::int) FROM rollouts GROUP BY 1 ORDER BY 1").rows() == [
        ("do_nothing", 1), ("policy", 13),
    ]  # fmt: skip
    media = shelf.media("press-button", "1.0.0")
    assert sorted(path.name for path in media.iterdir()) == ["failure-2.mp4", "poster.jpg", "success-1.mp4"]
    with Image.open(media / "poster.jpg") as poster:
        assert (poster.format, poster.size) == ("JPEG", (800, 600))


def test_the_same_packs_are_one_release(lake, add_pack):
    packs = [add_pack("a"), add_pack("b")]
    first = build_release(lake, packs)
    before = (lake.releases / "CURRENT").stat().st_mtime_ns
    assert build_release(lake, packs[::-1]) == first
    assert (lake.releases / "CURRENT").stat().st_mtime_ns == before
    assert releases(lake) == ["1", "CURRENT"]


def test_going_back_points_at_the_old_release(lake, add_pack):
    a, b = add_pack("a"), add_pack("b")
    first, second = build_release(lake, [a]), build_release(lake, [a, b])
    assert (first.release, second.release) == (1, 2)
    assert build_release(lake, [a]) == first
    assert len(open_catalogue(lake).packs()) == 1
    assert releases(lake) == ["1", "2", "CURRENT"]


def test_a_reader_keeps_its_release_while_a_new_one_is_made(lake, add_pack):
    a = add_pack("a")
    build_release(lake, [a])
    old = open_catalogue(lake)
    build_release(lake, [a, add_pack("b")])
    assert len(old.packs()) == 1
    assert len(open_catalogue(lake).packs()) == 2


@pytest.mark.parametrize("step", ["_write_tables", "_write_media"])
def test_a_stop_while_writing_leaves_the_shop_as_it_was(lake, add_pack, monkeypatch, step):
    a, b = add_pack("a"), add_pack("b")
    build_release(lake, [a])

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(catalogue, step, stop)
    with pytest.raises(KeyboardInterrupt):
        build_release(lake, [a, b])
    monkeypatch.undo()
    assert releases(lake) == ["1", "CURRENT"]
    assert len(open_catalogue(lake).packs()) == 1


def test_a_stop_before_the_pointer_moves_is_made_good(lake, add_pack, monkeypatch):
    a, b = add_pack("a"), add_pack("b")
    build_release(lake, [a])
    monkeypatch.setattr(catalogue.ReleasePointer, "write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        build_release(lake, [a, b])
    monkeypatch.undo()
    assert open_catalogue(lake).pointer.release == 1
    assert build_release(lake, [a, b]).release == 2
    assert releases(lake) == ["1", "2", "CURRENT"]


def test_a_tampered_pack_is_not_released(lake, add_pack):
    good, bad = add_pack("good"), add_pack("bad")
    (bad / "README.md").write_text("100% success")
    with pytest.raises(PackTampered, match=r"README\.md"):
        build_release(lake, [good, bad])
    assert not lake.releases.exists()


def test_a_pack_of_another_shop_is_not_released(lake, add_pack, tmp_path):
    pack = add_pack("a")
    sign_pack(pack, open_signing_key(tmp_path / "stranger"))
    with pytest.raises(UntrustedKey):
        build_release(lake, [pack])


def test_a_recording_without_pictures_is_named(tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    with pytest.raises(VideoUnreadable, match=r"broken\.mp4 shows no picture"):
        write_poster(broken, tmp_path / "poster.jpg")


def test_an_empty_release_is_a_release(lake):
    build_release(lake, [])
    assert open_catalogue(lake).packs() == []


def test_before_the_first_release_it_is_said_so(lake):
    with pytest.raises(LakeError, match="Nothing was released yet"):
        open_catalogue(lake)


def test_a_changed_catalogue_is_noticed(lake, add_pack):
    build_release(lake, [add_pack("a")])
    path = lake.releases / "1" / "catalogue.duckdb"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(LakeError, match="was changed"):
        open_catalogue(lake)


def test_a_missing_release_is_noticed(lake, add_pack):
    build_release(lake, [add_pack("a")])
    (lake.releases / "1" / "catalogue.duckdb").unlink()
    with pytest.raises(LakeError, match="cannot be read"):
        open_catalogue(lake)


def test_an_unknown_pack_is_said_to_be_none(lake):
    build_release(lake, [])
    with pytest.raises(LakeError, match="No pack 'nothing' is in this release"):
        open_catalogue(lake).pack("nothing")


def test_the_release_file_names_what_is_in_it(lake, add_pack):
    build_release(lake, [add_pack("a")])
    assert json.loads((lake.releases / "1" / "release.json").read_text())["packs"] == {"a": "1.0.0"}


def test_a_release_of_another_form_says_so(lake, add_pack, monkeypatch):
    pack = add_pack("a")
    with monkeypatch.context() as patched:
        patched.setattr(catalogue, "FORMAT", 1)
        whole = catalogue.tables
        patched.setattr(
            catalogue,
            "tables",
            lambda *asked: {k: v.drop("task_words") if k == "catalogue" else v for k, v in whole(*asked).items()},
        )
        build_release(lake, [pack])
    with pytest.raises(LakeError, match="another version of Deftworks"):
        open_catalogue(lake)
    assert build_release(lake, [pack]).release == 2, "the same packs in another form are another release"
    assert open_catalogue(lake).packs()[0]["task_words"] == ["press", "button"]
