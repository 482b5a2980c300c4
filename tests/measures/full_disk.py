"""What a measurement meets when its result cannot be written, and a predictor that must not be asked again."""

import errno


def no_room(values):
    """Fail as a full disk does."""
    raise OSError(errno.ENOSPC, "No space left on device")


class NotAsked:
    """A predictor of the same checkpoint whose every answer is known already."""

    def __init__(self, predictor):
        self.checkpoint, self.device = predictor.checkpoint, predictor.device

    def __call__(self, *args, **kwargs):
        raise AssertionError("a clip that was finished is measured again")
