"""Errors with TDengine's codes and texts, as a real TDengine 3.3.7.5 gives them."""


class TDengineError(Exception):
    """An error that the client gets, with its `code` (16 bits) and its `message`."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def not_supported(what: str) -> TDengineError:
    """The error for SQL that TDengine knows and the embedded database does not. The message names `what` that is."""
    return TDengineError(0x2600, f'syntax error near "{what}" (the embedded database does not support {what})')
