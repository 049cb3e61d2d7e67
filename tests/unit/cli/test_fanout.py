"""All shards are asked as one; one that does not answer costs only its own answers."""

from collections.abc import Iterator
from typing import Any

import pytest

from solrecd.api.client import ApiError, Client, UnreachableError
from solrecd.cli.shared.fanout import Shards, Unanswered
from solrecd.cluster.plan import shard_of

FIRST = next(name for name in "abcdef" if shard_of(name, 2) == 1)
SECOND = next(name for name in "abcdef" if shard_of(name, 2) == 2)


class Peers:
    """What each shard answers, by the path of its socket."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: dict[str, Any] = {}
        peers = self

        def get(client: Client, path: str, **query: str) -> Any:
            answer = peers.answers[client.address.split("/")[2]]
            if isinstance(answer, Exception):
                raise answer
            return answer(path, query) if callable(answer) else answer

        def stream(client: Client, path: str, **query: str) -> Iterator[Any]:
            yield from get(client, path, **query)

        monkeypatch.setattr(Client, "get", get)
        monkeypatch.setattr(Client, "stream", stream)
        self.unanswered = Unanswered()
        self.all = Shards("/run/control.sock", 2, self.unanswered)


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> Peers:
    """Two shards."""
    return Peers(monkeypatch)


GONE = UnreachableError("no answer")


def test_lists_are_one_list_with_the_instance(peers: Peers) -> None:
    peers.answers = {"shard-1": [{"console": "b"}], "shard-2": [{"console": "a"}]}

    assert peers.all.get("/v1/consoles") == [
        {"console": "a", "instance": "shard-2"},
        {"console": "b", "instance": "shard-1"},
    ]


def test_one_that_does_not_answer_is_named_once(
    peers: Peers, capsys: pytest.CaptureFixture[str]
) -> None:
    peers.answers = {"shard-1": [{"console": "b"}], "shard-2": GONE}

    for _ in range(2):
        assert len(peers.all.get("/v1/consoles")) == 1

    assert peers.unanswered.names == {"shard-2"}
    assert capsys.readouterr().err.count("shard-2: no answer") == 1


def test_where_none_answers_it_is_an_error(peers: Peers) -> None:
    peers.answers = {"shard-1": GONE, "shard-2": GONE}

    with pytest.raises(UnreachableError):
        peers.all.get("/v1/consoles")
    with pytest.raises(UnreachableError):
        list(peers.all.stream("/v1/tail"))


def test_each_is_asked_only_of_its_own_consoles(peers: Peers) -> None:
    asked: list[str] = []

    def answer(_path: str, query: dict[str, str]) -> list[Any]:
        asked.append(query["names"])
        return []

    peers.answers = {"shard-1": answer, "shard-2": answer}

    peers.all.get("/v1/who", names=f"{FIRST},{SECOND}")

    assert sorted(asked) == sorted([FIRST, SECOND])


def test_a_console_that_moves_is_found_where_it_still_is(peers: Peers) -> None:
    peers.answers = {"shard-1": ApiError("there is none", 404), "shard-2": {"a": 1}}

    assert peers.all.get(f"/v1/consoles/{FIRST}") == {"a": 1}


def test_a_bug_in_a_reader_is_no_silence(peers: Peers) -> None:
    peers.answers = {"shard-1": ValueError("a bug"), "shard-2": []}

    with pytest.raises(ValueError, match="a bug"):
        list(peers.all.stream("/v1/tail"))


def test_streams_are_one_stream(peers: Peers) -> None:
    peers.answers = {"shard-1": [{"n": 1}, {"n": 2}], "shard-2": [{"n": 3}]}

    found = [row["n"] for row in peers.all.stream("/v1/tail")]

    assert sorted(found) == [1, 2, 3]
    assert found.index(1) < found.index(2)


def test_the_first_set_of_consoles_is_that_of_all_shards(peers: Peers) -> None:
    peers.answers = {
        "shard-1": [{"console": "a"}, {"time": "1"}, {"console": "a"}, {"time": "3"}],
        "shard-2": [{"console": "b"}, {"time": "2"}],
    }

    rows = list(peers.all.stream("/v1/watch"))

    end = next(place for place, row in enumerate(rows) if "time" in row)
    assert {row["console"] for row in rows[:end]} == {"a", "b"}
    assert "time" in rows[-1]
