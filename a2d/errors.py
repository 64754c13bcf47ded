"""The one kind of error that a user's mistake leads to.

Every message says what was wrong, where, and what to do. The command line prints it without a traceback and
exits with code 2; in Python it is an ordinary exception that can be caught by its class.
"""

from __future__ import annotations


class A2DError(Exception):
    """A mistake that the user can mend: the message says what was wrong, where, and what to do.

    ``what`` was wrong and the ``hint`` what to do are sentences without their full stops; ``where`` is the file,
    folder, key or argument that it was found in.
    """

    exit_code = 2

    def __init__(self, what: str, *, where: object = None, hint: str | None = None):
        self.what, self.where, self.hint = what, where, hint
        head = f"{where}: {what}" if where is not None else what
        super().__init__(f"{head}. {hint}." if hint else f"{head}.")


class AudioError(A2DError):
    """A recording that cannot be used."""


class DataError(A2DError):
    """A data set, an image file or a download that cannot be used."""


class RecipeError(A2DError):
    """A recipe, an option or a combination of them that makes no sense."""


class ModelError(A2DError):
    """A checkpoint or a shipped weight that cannot be used."""


class TrainingError(A2DError):
    """A training run that cannot go on."""


class CourseError(A2DError):
    """A lecture, exercise or set-up that does not work as it should."""


class DataWarning(UserWarning):
    """Data that can be used, though something in it was passed over."""


def refuse(problems: dict[str, bool], config: object, where: str) -> None:
    """Raise a :class:`RecipeError` that names the first setting of ``config`` whose check in ``problems`` is false."""
    for name, fine in problems.items():
        if not fine:
            what = f"{name} = {getattr(config, name)!r} is out of its range, or does not go with the other settings"
            raise RecipeError(what, where=where, hint=f"See {type(config).__name__} for what each may be")
