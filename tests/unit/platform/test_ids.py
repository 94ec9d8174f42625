"""What the hub makes up at random can be read out, and is not always the same."""

from hub.adapters.clock import SystemIds


def test_a_reference_is_read_out_without_mistaking_one_character_for_another() -> None:
    seen = {SystemIds().ref() for _ in range(2000)}
    assert {len(ref) for ref in seen} == {4}
    assert {ref[0] for ref in seen} == set("ABCDEFGHJKLMNPQRSTUVWXYZ")
    for place in (1, 2, 3):
        assert {ref[place] for ref in seen} == set("23456789ABCDEFGHJKLMNPQRSTUVWXYZ")
    assert len(seen) > 1950
