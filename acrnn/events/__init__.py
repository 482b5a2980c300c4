"""A prediction → events: what sounds from when to when, as files that other programs open, and scored by true ones."""

from acrnn.events.detect import LEAST_S, Event, EventSettings, find_events, wanted_classes

__all__ = ["LEAST_S", "Event", "EventSettings", "find_events", "wanted_classes"]
