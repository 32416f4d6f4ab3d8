"""Why there is no trend."""


class Refusal(Exception):
    """There is no trend, and why, in a sentence for the page."""
