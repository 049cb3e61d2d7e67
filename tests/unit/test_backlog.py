"""Output waits for its turn, and nothing else waits for output."""

from __future__ import annotations

from collections.abc import Sequence

from solrecd.sources.ipmi.link.backlog import ENOUGH, Backlog
from solrecd.sources.ipmi.link.port import SHARE, Port
from solrecd.sources.ipmi.link.resolve import Sockaddr

OUTPUT, ANSWER = b"output", b"answer"


class FakeSocket:
    """Takes what is sent."""

    name = "sock0"

    def __init__(self, story: list[str]) -> None:
        self._story = story

    def send(self, datagrams: Sequence[bytes], to: Sockaddr) -> Sequence[OSError]:
        self._story += [f"{to[0]} sent {len(datagrams)}"]
        return ()

    def held(self, sockaddr: Sockaddr) -> list[bytes]:
        return []

    def leave(self, port: Port) -> None:
        """Have nothing to do."""


class FakeEndpoint:
    """Answers every datagram, and notes in a common story what it was given."""

    deadline: float | None = None

    def __init__(self, name: str, story: list[str]) -> None:
        self.name = name
        self.times: list[float] = []
        self._story = story
        self._queue: list[bytes] = []
        self.bug: Exception | None = None

    def receive(self, datagram: bytes, now: float) -> None:
        if datagram == b"bug":
            raise RuntimeError("a bug")
        self.times.append(now)
        self._story.append(f"{self.name} {datagram.decode()}")
        self._queue.append(datagram)

    def expire(self, now: float) -> None:
        """Have nothing to do."""

    def datagrams(self) -> Sequence[bytes]:
        queued, self._queue = self._queue, []
        return queued

    def not_sent(self, count: int, error: OSError) -> None:
        """Have nothing to do."""

    def crashed(self, bug: Exception) -> Sequence[bytes]:
        self.bug = bug
        return ()


class Bench:
    """A backlog with ports that are named."""

    def __init__(self) -> None:
        self.story: list[str] = []
        self.backlog = Backlog()
        self.endpoints: dict[str, FakeEndpoint] = {}
        self._ports: dict[str, Port] = {}
        self._socket = FakeSocket(self.story)

    def port(self, name: str) -> Port:
        if name not in self._ports:
            endpoint = self.endpoints[name] = FakeEndpoint(name, self.story)
            self._ports[name] = Port(
                self._socket, (name, 623), endpoint, lambda port: None
            )
        return self._ports[name]

    def came(self, name: str, datagram: bytes, now: float = 1.0) -> bool:
        port = self.port(name)
        if not port.wait(datagram, now):
            return False
        self.backlog.add(port, is_output=datagram == OUTPUT)
        return True

    def handled(self) -> list[str]:
        """Return what endpoints were given so far, without what was sent."""
        return [line for line in self.story if "sent" not in line]


def test_an_answer_is_handled_before_output_that_came_first() -> None:
    bench = Bench()
    bench.came("loud", OUTPUT)
    bench.came("quiet", ANSWER)

    bench.backlog.serve(1.0)

    assert bench.handled() == ["quiet answer", "loud output"]


def test_what_one_peer_sent_stays_in_order() -> None:
    bench = Bench()
    for datagram in (OUTPUT, OUTPUT, ANSWER, OUTPUT):
        bench.came("one", datagram)

    bench.backlog.serve(1.0, enough=0)

    assert bench.handled() == [
        "one output",
        "one output",
        "one answer",
        "one output",
    ]
    assert not bench.backlog


def test_all_that_waits_of_a_peer_is_handled_before_any_of_it_is_answered() -> None:
    bench = Bench()
    for _ in range(3):
        bench.came("one", OUTPUT)

    bench.backlog.serve(1.0)

    assert bench.story == [*["one output"] * 3, "one sent 3"]


def test_output_beyond_what_is_enough_waits_for_the_next_turn() -> None:
    bench = Bench()
    names = [f"n{number}" for number in range(ENOUGH + 2)]
    for name in names:
        bench.came(name, OUTPUT)

    bench.backlog.serve(1.0)
    first = len(bench.handled())
    bench.came("login", ANSWER)
    bench.came(names[0], OUTPUT)
    bench.backlog.serve(2.0)

    assert first == ENOUGH
    rest = bench.handled()[first:]
    assert rest == ["login answer", *[f"{n} output" for n in (*names[-2:], names[0])]]


def test_an_endpoint_is_told_when_its_datagrams_came() -> None:
    bench = Bench()
    bench.came("early", OUTPUT, now=1.0)
    bench.came("late", OUTPUT, now=2.0)

    bench.backlog.serve(5.0)

    assert bench.endpoints["early"].times == [1.0]
    assert bench.endpoints["late"].times == [2.0]
    assert bench.backlog.most_delayed == 1.0


def test_more_than_a_peers_share_is_refused() -> None:
    bench = Bench()

    taken = [bench.came("flood", OUTPUT) for _ in range(SHARE + 1)]

    assert taken == [*[True] * SHARE, False]


def test_a_bug_ends_one_endpoint_and_no_turn() -> None:
    bench = Bench()
    bench.came("bad", b"bug")
    bench.came("good", ANSWER)
    bad = bench.endpoints["bad"]

    bench.backlog.serve(1.0)

    assert isinstance(bad.bug, RuntimeError)
    assert bench.handled() == ["good answer"]


def test_a_port_that_has_left_is_given_nothing() -> None:
    bench = Bench()
    bench.came("gone", OUTPUT)
    bench.port("gone").close()

    bench.backlog.serve(1.0)

    assert not bench.story
    assert not bench.backlog
