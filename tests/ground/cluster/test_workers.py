"""The sentence on a worker that cannot take part."""

import pytest

from morphct.ground.cluster import tasks, workers
from morphct.ground.cluster.identity import stamp
from morphct.ground.errors import ClusterError


@pytest.fixture
def asked(tmp_path):
    """The token, its text, and what a good worker answers."""
    token = tmp_path / workers.TOKEN
    token.write_text("text")
    return str(token), "text", workers.answer(str(token), [__file__])


def refusal(asked, **other) -> str:
    token, text, good = asked
    with pytest.raises(ClusterError) as caught:
        workers.refuse_others({"tcp://a:1": good, "tcp://b:2": {**good, **other}}, token, text)
    sentence = str(caught.value)
    assert "tcp://b:2" in sentence
    assert "\n" not in sentence
    return sentence


def test_good_workers_pass(asked):
    token, text, good = asked
    workers.refuse_others({"tcp://a:1": good}, token, text)


def test_another_version(asked):
    versions = asked[2]["versions"]
    assert "has morphct 0.0.9, here it is" in refusal(asked, versions={**versions, "morphct": "0.0.9"})
    assert "has numba 0.1, here it is" in refusal(asked, versions={**versions, "numba": "0.1"})
    assert "of other content than the one here" in refusal(asked, content="0" * 64)


def test_another_disk(asked):
    assert "does not see" in refusal(asked, token=None)
    assert "--scratch DIR" in refusal(asked, token="of another run")
    assert "cannot write in" in refusal(asked, writes=False)
    assert "cannot read /a.tif; put the volume on a disk" in refusal(asked, missing="/a.tif")


def test_a_worker_without_morphct(asked):
    token, text, _ = asked
    with pytest.raises(ClusterError, match=r"tcp://b:2 has no morphct that can answer \(ModuleNotFoundError"):
        workers.refuse_others({"tcp://b:2": ModuleNotFoundError("No module named 'morphct'")}, token, text)


def test_few_of_many_files_are_looked_at():
    names = [f"{n}.tif" for n in range(1000)]
    some = workers.looked_at(names)
    assert len(some) <= workers.MOST_FILES_LOOKED_AT + 1
    assert {"0.tif", "999.tif"} <= set(some)
    assert workers.looked_at([]) == []


def test_a_call_of_another_version_is_refused(tmp_path, monkeypatch):
    call = tasks.write_call(tmp_path, abs)
    assert tasks.do(str(call), 0, -3) == 3
    call.write_bytes(call.read_bytes().replace(stamp().encode(), b"0" * 64))
    tasks._function.cache_clear()
    with pytest.raises(ClusterError, match="one installation"):
        tasks.do(str(call), 0, -3)
    with pytest.raises(ClusterError, match="cannot read"):
        tasks.do(str(tmp_path / "absent"), 0, -3)
