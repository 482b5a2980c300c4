"""A prediction → events: what sounds from when to when, as files that other programs open, and scored by true ones."""

from acrnn.events.detect import Event, EventSettings, find_events, wanted_classes

__all__ = ["Event", "EventSettings", "find_events", "wanted_classes"]
