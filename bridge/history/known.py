"""What one request knows of the database's answers.

Perspective's engine calls its handler and wants the answer at once, but the database takes its time. So the handler
asks `known(...)`, which raises Missing for what is not answered yet. The engine then gives up; when the answers are
there, the whole request begins again. So no thread waits, and a viewer has many requests under way.
"""

from bridge.history.view_sql import MOST_WINDOWS, Windows

Asked = str | Windows


class Missing(Exception):
    """These questions have to be answered first."""


class Known:
    """What the request at work knows; and the viewer's `windows`: as many as fit its panel."""

    def __init__(self) -> None:
        self.answers: dict[Asked, list | None] = {}
        self.now = 0  # epoch ms: the same for the request when it begins again, or it would ask something else
        self.windows = MOST_WINDOWS
        self.missing: list[Asked] = []
        self.wanted_soon: list[Asked] = []

    def begin(self, answers: dict, now: int) -> None:
        """A request begins, or begins again, with these answers."""
        self.answers, self.now, self.missing, self.wanted_soon = answers, now, [], []

    def __call__(self, *questions: Asked) -> list[list]:
        """The rows that answer each question."""
        if missing := [question for question in questions if question not in self.answers]:
            self.missing += missing
            raise Missing
        return [self.answers[question] for question in questions]

    def soon(self, question: Asked) -> list | None:
        """The same, or None where the answer takes long: the view is told when it is there."""
        if question not in self.answers:
            self.wanted_soon.append(question)
            raise Missing
        return self.answers[question]
