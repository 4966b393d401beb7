"""What is kept in the user's cache is whole or not there, and nothing hangs on it."""

from pathlib import Path

import pytest

from morphct.ground import user_cache


def test_where_it_lies(monkeypatch, tmp_path):
    monkeypatch.delenv(user_cache.PLACE)
    monkeypatch.setattr(user_cache.sys, "platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert user_cache.folder("x") == tmp_path / ".cache/morphct/x"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    assert user_cache.folder("x") == tmp_path / "own/morphct/x"
    monkeypatch.setenv("XDG_CACHE_HOME", "no/absolute/path")
    assert user_cache.folder("x") == tmp_path / ".cache/morphct/x"
    monkeypatch.setenv(user_cache.PLACE, str(tmp_path / "other"))
    assert user_cache.folder("x") == tmp_path / "other/x"
    monkeypatch.setenv(user_cache.PLACE, "")
    assert user_cache.folder("x") is None


def test_what_was_kept_comes_back_and_damage_counts_as_nothing(tmp_path):
    path = tmp_path / "deep/down/thing"
    assert user_cache.read(path) is None
    user_cache.write(path, b"some content")
    assert user_cache.read(path) == b"some content"
    assert [p.name for p in path.parent.iterdir()] == ["thing"]
    whole = path.read_bytes()
    for damaged in (b"", whole[:-1], whole[:10], whole + b"x", bytes([whole[0] ^ 1]) + whole[1:]):
        path.write_bytes(damaged)
        assert user_cache.read(path) is None
    user_cache.write(path, b"again")
    assert user_cache.read(path) == b"again"


def test_a_place_that_cannot_be_written_keeps_nothing(tmp_path):
    (tmp_path / "file").write_text("no folder")
    user_cache.write(tmp_path / "file/thing", b"content")
    assert user_cache.read(tmp_path / "file/thing") is None
    (tmp_path / "folder").mkdir()
    user_cache.write(tmp_path / "folder", b"content")  # cannot be replaced by a file
    assert list(tmp_path.glob("**/.*")) == []


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(user_cache.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        user_cache.write(tmp_path / "thing", b"content")
    assert list(tmp_path.iterdir()) == []


def test_the_oldest_are_deleted(tmp_path):
    for i in range(9):
        user_cache.write(tmp_path / str(i), b"")
        Path(tmp_path / str(i)).touch()
    user_cache.keep_newest(tmp_path, 9)
    assert len(list(tmp_path.iterdir())) == 9
    user_cache.keep_newest(tmp_path, 8)
    assert {p.name for p in tmp_path.iterdir()} == {"3", "4", "5", "6", "7", "8"}
    user_cache.keep_newest(tmp_path / "none", 1)
