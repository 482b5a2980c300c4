"""Clips whose label is likely wrong: a list to listen to."""

import pandas as pd
import streamlit as st

from acrnn.data import Dataset
from acrnn.results.confusion import ClipFilter
from acrnn.results.label_errors import label_errors, tell_ranking
from acrnn.results.settings import Setting
from acrnn.web.confusions.clip_list import AS_LABELS, OF_LABELS, clip_list, tell_clips
from acrnn.web.confusions.view import PRESS, recordings_of, save_csv
from acrnn.web.shared.words import code
from acrnn.web.shell import address

CLIPS = {"all": "all", "suspected": "suspected by confident learning"}


@st.cache_data(show_spinner="Ranking the labels …", max_entries=8)
def _ranked(_setting: Setting, key: tuple, _recordings: dict[str, str] | None) -> pd.DataFrame:
    return label_errors(_setting, _recordings)


def list_labels(setting: Setting, wanted: ClipFilter, dataset: Dataset | None) -> pd.DataFrame:
    """List the clips that pass the filters, the most likely label errors first; gives what is listed."""
    key = (setting.name, setting.data_fingerprint, setting.accuracy, len(setting.filenames), dataset is None)
    ranked = _ranked(setting, key, recordings_of(setting, dataset))
    st.markdown(f"{tell_ranking(ranked)} {_scope(setting, dataset)}")
    can_suspect = ranked["suspected"].notna().all()
    listed = address.one_of(
        st.segmented_control, "Clips", CLIPS if can_suspect else ["all"], format_func=CLIPS.get, key="suspects"
    )
    found = wanted.apply(ranked)
    if listed == "suspected":
        found = found[found["suspected"].astype(bool)]
    st.caption(f"{tell_clips(found)}. {PRESS}")
    columns = OF_LABELS if can_suspect else [name for name in OF_LABELS if name != "suspected"]
    clip_list(found, columns, "labelclips", AS_LABELS)
    save_csv(found, f"{setting.name}-label-errors", label="These clips (CSV)")
    return found


def _scope(setting: Setting, dataset: Dataset | None) -> str:
    """Say so where only some folds have a network that never heard them."""
    n_folds = 5 if dataset is None else len(dataset.folds)
    if len(setting.folds) >= n_folds:
        return ""
    folds = ", ".join(map(str, setting.folds))
    return (
        f"Only fold {folds} has a network of {code(setting.name)} that never heard it, so its clips alone are ranked."
    )
