"""DuckDB's errors as TDengine's, as near as there is one."""

import duckdb
import pyarrow as pa

from ..common.errors import TDengineError

ERRORS = (duckdb.Error, pa.ArrowException, OSError)  # Arrow's readers make their own errors of DuckDB's


def out_of_memory() -> TDengineError:
    return TDengineError(0x0102, "Out of Memory: the statement needs more than the embedded database may take, "
                                 "--memory changes that")


def translated(error: Exception) -> TDengineError:
    text = str(error).partition("\n")[0]
    if "Catalog Error: Table" in text and "does not exist" in text:  # somebody dropped it meanwhile
        return TDengineError(0x2603, "Table does not exist")
    if "INTERRUPT" in text:
        return TDengineError(0x0328, "Query terminated")
    if "Out of Memory" in text:
        return out_of_memory()
    if any(kind in text for kind in ("Out of Range Error", "Conversion Error", "Invalid Input Error")):
        return TDengineError(0x2800, f"Function internal error: {text}")
    return TDengineError(0xFFFF, f"the embedded database failed: {text}")
