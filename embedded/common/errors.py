"""TDengine's error codes and texts, as a real TDengine 3.3.7.5 answers them."""


class TDengineError(Exception):
    """An error that goes to the client as `code` (16 bits) and `message`."""

    def __init__(self, code: int, message: str):
        super().__init__(message)
        self.code = code
        self.message = message


def not_supported(what: str) -> TDengineError:
    """For SQL that TDengine knows and the embedded database does not: name it, never guess."""
    return TDengineError(0x2600, f'syntax error near "{what}" (the embedded database does not support {what})')
