"""pyarrow loads pandas, where it is installed, for the first list that it gets: 0.2 s and 35 MB for nothing."""

import sys


class WithoutPandas:
    """Python asks it first, for each module that is to be loaded."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("pandas is left out", name=name)


def leave_pandas_out() -> None:
    sys.meta_path.insert(0, WithoutPandas)
