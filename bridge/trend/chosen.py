"""What is read from a trend: a location's rows for a page, where values left the range, why a series has no trend."""

import json

import pyarrow as pa
import pyarrow.compute as pc

NOTES = b"notes"  # of the table's schema: why a series has no trend, by its name, as JSON
MOST_OUTSIDE = 1000


def of_location(table: pa.Table, name: str) -> tuple[pa.Table, str]:
    """All rows of a location ("" is the first one), and why it has no trend; "" where it has one.

    Of each other location there is its last row, so that a page knows them all, and what `outside` has of it.
    Raises LookupError, whose words are for people.
    """
    places = table["location"].combine_chunks()
    names, indices = places.dictionary.to_pylist(), places.indices
    name = name or names[0]
    if name not in names:
        raise LookupError(f"There is no location {name[:100]!r} in this range.")
    own = pc.equal(indices, names.index(name))
    last = pa.concat_arrays([pc.not_equal(indices[1:], indices[:-1]), pa.array([True])])
    left = outside(table)
    left = left.filter(pc.not_equal(left["location"].cast(pa.string()), name))
    return pa.concat_tables([table.filter(pc.or_(own, last)), left]), notes(table).get(name, "")


def notes(table: pa.Table) -> dict[str, str]:
    """Why a series of the table has no trend, by its name."""
    return json.loads((table.schema.metadata or {}).get(NOTES, b"{}"))


def outside(table: pa.Table, most: int = MOST_OUTSIDE) -> pa.Table:
    """The newest rows whose measured value left the expected range, newest first."""
    left = pc.or_(pc.less(table["measured"], table["low"]), pc.greater(table["measured"], table["high"]))
    return table.filter(left).sort_by([("timestamp", "descending")]).slice(0, most)
