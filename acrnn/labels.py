"""The 50 classes of ESC-50 in their official order, their five groups, and the ten of them that are ESC-10."""

GROUPS: dict[str, tuple[str, ...]] = {
    "Animals": (
        "dog", "rooster", "pig", "cow", "frog", "cat", "hen", "insects", "sheep", "crow",
    ),
    "Natural soundscapes and water": (
        "rain", "sea_waves", "crackling_fire", "crickets", "chirping_birds",
        "water_drops", "wind", "pouring_water", "toilet_flush", "thunderstorm",
    ),
    "Human, non-speech": (
        "crying_baby", "sneezing", "clapping", "breathing", "coughing",
        "footsteps", "laughing", "brushing_teeth", "snoring", "drinking_sipping",
    ),
    "Interior and domestic": (
        "door_wood_knock", "mouse_click", "keyboard_typing", "door_wood_creaks", "can_opening",
        "washing_machine", "vacuum_cleaner", "clock_alarm", "clock_tick", "glass_breaking",
    ),
    "Exterior and urban": (
        "helicopter", "chainsaw", "siren", "car_horn", "engine",
        "train", "church_bells", "airplane", "fireworks", "hand_saw",
    ),
}  # fmt: skip
"""Group name → its ten classes; joined in this order they are targets 0 to 49 of `meta/esc50.csv`."""

ESC50: tuple[str, ...] = tuple(label for labels in GROUPS.values() for label in labels)
"""Class names by target number (0 to 49)."""

ESC10: tuple[str, ...] = (
    "dog", "rooster", "rain", "sea_waves", "crackling_fire",
    "crying_baby", "sneezing", "clock_tick", "helicopter", "chainsaw",
)  # fmt: skip
"""The ESC-10 subset, in the order of their ESC-50 targets."""

CLASSES: dict[str, tuple[str, ...]] = {"esc10": ESC10, "esc50": ESC50}
"""Dataset name → its class names; a network's class index is the position here."""

MAX_CLASSES = 10_000
"""Of a dataset, and of a network that a stranger made."""
OTHER = "Other classes"
"""The group of classes that ESC-50 does not have."""


def group_of(label: str) -> str:
    """Name of the group that a class belongs to.

    Raises
    ------
    KeyError
        If `label` is not a class of ESC-50.
    """
    for group, labels in GROUPS.items():
        if label in labels:
            return group
    raise KeyError(label)


def group_or_other(label: str) -> str:
    """Name of the group that a class belongs to; `OTHER` for one that ESC-50 does not have."""
    return next((group for group, labels in GROUPS.items() if label in labels), OTHER)


def pretty(label: str) -> str:
    """`crying_baby` → `crying baby`: a class as a person reads it."""
    return label.replace("_", " ")
