"""JSON that is not ours: how deep it may be."""

import pytest

from acrnn.untrusted import MAX_JSON_DEPTH, parse_json


@pytest.mark.parametrize("pair", [("[", "]"), ('{"a": ', "}")])
def test_json_may_be_so_deep_and_no_deeper(pair):
    opens, closes = pair
    assert parse_json(opens * MAX_JSON_DEPTH + "1" + closes * MAX_JSON_DEPTH)
    for n in (MAX_JSON_DEPTH + 1, 100_000):
        with pytest.raises(ValueError, match=f"nested more than {MAX_JSON_DEPTH} deep"):
            parse_json("[0, " + opens * n + "1" + closes * n + "]")
