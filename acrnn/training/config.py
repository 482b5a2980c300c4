"""What is trained, on what, and how: the settings that a run's result depends on, and nothing else."""

from dataclasses import asdict, dataclass
from typing import Any

from acrnn.features import FrontEnd
from acrnn.model import NetworkConfig, PiczakConfig, network_from_dict
from acrnn.training.recipe import Recipe
from acrnn.untrusted import require_fields


@dataclass(frozen=True)
class RunConfig:
    """What a run trains, on what, and how: all that its result depends on.

    Attributes
    ----------
    dataset : str
        `esc10`, `esc50`, or a name such as `own-birds` (`acrnn.data.names`).
    data_root, data_title, data_fingerprint : str
        Folder, name for people, and hash of the clips.
    fold : int
        Held out: never trained on, scored once at the end.
    device : str
        `cpu` or `cuda`: a resumed run gives the same weights on the same device only.
    precision : str
        `bf16` (autocast) or `fp32`.
    code : str
        Version or revision of the code that started it.
    sealed : tuple of int
        Folds that are neither trained on nor scored. With one, the run is an inner validation: recipes are compared on
        `fold`, and the sealed fold stays unseen until one is chosen.
    initial, initial_sha256 : str
        Checkpoint whose weights it starts from, but for the output layer, and their hash; "" for random weights.
    """

    dataset: str
    data_root: str
    data_title: str
    data_fingerprint: str
    fold: int
    network: NetworkConfig | PiczakConfig
    front_end: FrontEnd
    recipe: Recipe
    seed: int
    device: str
    precision: str
    code: str
    sealed: tuple[int, ...] = ()
    initial: str = ""
    initial_sha256: str = ""

    @property
    def name(self) -> str:
        """Name of this run's checkpoint, such as `esc10-l10-paper-fold1` or `esc10-piczakcnn-paper-fold1`."""
        sealed = f"-sealed{''.join(map(str, self.sealed))}" if self.sealed else ""
        return f"{self.dataset}-{self.network.placement}-{self.recipe.name}-fold{self.fold}{sealed}"

    def trains_on(self, fold: int) -> bool:
        """Whether clips of a fold are trained on."""
        return fold != self.fold and fold not in self.sealed

    def as_dict(self) -> dict[str, Any]:
        """Plain values for `config.json`."""
        return asdict(self) | {"front_end": self.front_end.as_dict()}

    def differences(self, other: "RunConfig") -> str:
        """Name what another config has different, such as `epochs (60 there, 20 asked for)`; "" if it is alike.

        Newer code and moved data go on with a run.
        """
        old, new = (_flat(config.as_dict()) for config in (self, other))
        ignored = {"code", "data_root", "data_title"}
        differing = sorted(key for key in old | new if key not in ignored and old.get(key) != new.get(key))
        told = {key: f"{_short(old.get(key))} there, {_short(new.get(key))} asked for" for key in differing}
        return ", ".join(f"{key.removeprefix('recipe.')} ({values})" for key, values in told.items())

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "RunConfig":
        """Rebuild from `as_dict`, strictly; raises TypeError, ValueError, KeyError or OptionError otherwise."""
        require_fields(cls, values, others=("network", "front_end", "recipe", "sealed"))
        require_fields(PiczakConfig if "kind" in values["network"] else NetworkConfig, values["network"])
        require_fields(FrontEnd, values["front_end"])
        require_fields(Recipe, values["recipe"])
        if not all(isinstance(fold, int) for fold in values.get("sealed", ())):
            raise ValueError("sealed holds numbers of folds")
        parts = {
            "network": network_from_dict(values["network"]),
            "front_end": FrontEnd(**values["front_end"]),
            "recipe": Recipe(**values["recipe"]),
            "sealed": tuple(values.get("sealed", ())),
        }
        return cls(**values | parts)


def _short(value: Any) -> str:
    """Give a value for people: of a hash, its first digits."""
    return f"{value[:8]}…" if isinstance(value, str) and len(value) > 40 else str(value)


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Give the values of dictionaries within dictionaries by dotted names."""
    flat = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat
