"""Arrow arrays from the bytes of clients."""

import numpy as np
import pyarrow as pa

from ..common.datatypes import BOOL, BY_CODE, VARBINARY, Type
from ..common.errors import TDengineError
from .wire import Buffer

_LONG = 512  # bytes: such pieces are copied one by one, shorter ones all at once


def type_of(code: int) -> Type:
    """The type with this code on the wire. Error: 0xFFFF."""
    if code not in BY_CODE:
        raise TDengineError(0xFFFF, f"the embedded database does not support the data type with code {code}")
    return BY_CODE[code]


def fixed_array(kind: Type, data: Buffer, nulls: np.ndarray) -> pa.Array:
    """Values of a fixed type, one after the other. Error: ValueError where there are fewer than `nulls` has."""
    values = np.frombuffer(data, f"<{kind.pack}", len(nulls))
    return pa.array(values != 0 if kind is BOOL else values.copy(), mask=nulls if nulls.any() else None)


def text_array(kind: Type, data: Buffer, lengths: np.ndarray, nulls: np.ndarray) -> pa.Array:
    """Texts (or VARBINARY values) one after the other, whose lengths in bytes are those.

    Error: ValueError for lengths that do not fit the data, and for bytes that are no UTF-8.
    """
    ends = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=ends[1:])
    if ends[-1] > len(data) or (lengths < 0).any():
        raise ValueError("items end too late")
    valid = pa.py_buffer(np.packbits(~nulls, bitorder="little")) if nulls.any() else None
    array = pa.Array.from_buffers(pa.binary() if kind is VARBINARY else pa.string(), len(lengths),
                                  [valid, pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(data)])
    array.validate(full=True)
    return array


def gather(data: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The pieces of `data` that start there and are so long, one after the other."""
    total = int(lengths.sum())
    if total > _LONG * len(starts):
        return np.concatenate([data[start:start + length] for start, length in
                               zip(starts.tolist(), lengths.tolist(), strict=True)])
    ends = np.cumsum(lengths)
    return data[np.arange(total) + np.repeat(starts - (ends - lengths), lengths)]
