"""Tables on a terminal that is too narrow for them."""

from hypothesis import given, strategies as st

from solrecd.cli.shared.column_widths import Need, fit


def test_where_there_is_room_every_column_has_what_it_needs() -> None:
    assert fit([Need(10, 4), Need(8, 8, spare=1), Need(20, 12)], 38) == [10, 8]


def test_columns_are_left_out_by_their_number_before_any_is_cut() -> None:
    needs = [Need(10, 4), Need(8, 8, 1), Need(8, 8, 2), Need(20, 12)]

    assert fit(needs, 32) == [10, 8, 0]
    assert fit(needs, 28) == [10, 0, 0]
    assert fit(needs, 19) == [7, 0, 0]


def test_the_widest_is_cut_until_they_are_alike() -> None:
    assert fit([Need(30, 10), Need(12, 10), Need(50, 20)], 42) == [11, 11]


def test_what_must_stay_stays_though_it_does_not_fit() -> None:
    assert fit([Need(30, 30), Need(12, 10), Need(50, 20)], 20) == [30, 10]


NEEDS = st.builds(
    lambda least, more, spare: Need(least + more, least, spare),
    st.integers(1, 40),
    st.integers(0, 40),
    st.integers(0, 3),
)


@given(st.lists(NEEDS, min_size=1, max_size=8), st.integers(0, 200))
def test_a_row_fits_wherever_the_least_of_its_columns_does(
    needs: list[Need], room: int
) -> None:
    widths = fit(needs, room)

    stays = sum(need.least for need in needs[:-1] if not need.spare)
    assert sum(widths) + needs[-1].least <= max(room, stays + needs[-1].least)
    assert all(
        width == 0 if width < need.least else width <= need.width
        for need, width in zip(needs, widths, strict=False)
    )
