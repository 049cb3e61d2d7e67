"""What records comes first; clients have what is left."""

from solrecd.process.descriptors import (
    FEWEST_CLIENTS,
    ClientPlaces,
    needed,
    too_few,
)


def test_a_limit_that_is_too_low_is_told_with_what_is_needed() -> None:
    wanted = needed(300)

    assert too_few(300, wanted) is None
    assert too_few(300, wanted - 1) == (
        f"300 consoles need {wanted} open files, and {wanted - 1} are allowed;"
        f" set LimitNOFILE={wanted} in the unit, or raise ulimit -Hn"
    )


def test_clients_have_what_the_fleet_does_not_need() -> None:
    places = ClientPlaces(needed(10) + 84, 10)

    assert places.count == FEWEST_CLIENTS + 84


def test_a_fleet_that_grows_takes_from_the_clients() -> None:
    places = ClientPlaces(needed(1000), 10)

    places.plan(1000)

    assert places.count == FEWEST_CLIENTS


def test_half_of_the_places_is_for_people_on_this_host() -> None:
    places = ClientPlaces(0)

    others = [places.enter(is_local=False) for _ in range(FEWEST_CLIENTS)]
    local = [places.enter(is_local=True) for _ in range(FEWEST_CLIENTS)]

    assert others.count(True) == local.count(True) == FEWEST_CLIENTS // 2
    places.leave()
    assert places.enter(is_local=True)
