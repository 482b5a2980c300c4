"""Which recordings sound alike to a network: by the features before its output layer."""

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.metrics.pairwise import cosine_similarity

N_COMPONENTS = 50
"""Of the principal component analysis before t-SNE, as its authors advise."""
PERPLEXITY = 30.0
FEWEST = 5
"""A map of fewer recordings says nothing."""


def most_similar(features: np.ndarray, i: int, k: int) -> pd.DataFrame:
    """Find the recordings most like one of them.

    Parameters
    ----------
    features : ndarray (recording, feature)
    i : int
        Which one.
    k : int
        How many others at most.

    Returns
    -------
    DataFrame
        Columns row (position in `features`) and similarity (cosine, at most 1), the most similar first.
    """
    similarity = cosine_similarity(features[i : i + 1], features)[0]
    order = np.argsort(-similarity, kind="stable")
    order = order[order != i][:k]
    return pd.DataFrame({"row": order, "similarity": similarity[order]})


def map_of(features: np.ndarray, seed: int = 0) -> np.ndarray:
    """Lay recordings out in two dimensions, similar ones near each other (t-SNE after a PCA).

    Distances between groups mean little, and so does the size of a group.

    Parameters
    ----------
    features : ndarray (recording, feature)
        Five recordings or more.
    seed : int

    Returns
    -------
    ndarray (recording, 2), float32

    Raises
    ------
    ValueError
        If there are fewer than five.
    """
    n = len(features)
    if n < FEWEST:
        raise ValueError(f"a map needs {FEWEST} recordings or more, and there are {n}")
    n_components = min(N_COMPONENTS, *features.shape)
    reduced = PCA(n_components, random_state=seed).fit_transform(np.asarray(features, np.float64))
    perplexity = min(PERPLEXITY, (n - 1) / 3)
    return TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(reduced).astype(np.float32)
