"""A package of its own, so that another distribution's `tests` (dcase_util installs one) is not found in its place."""
