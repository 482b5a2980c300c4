"""What the paper prints in its section 4: Tables 1 to 4 and the text about Figure 4, quoted, none of it measured here.

Each row that this project can train says which of its settings it is: where the attention sits, and which recipe. Layer
names that the paper sets with a subscript stand on the line, as everywhere here: l10.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Variant:
    """Which of our settings reproduces a row: what a setting's name has between its dataset and its epochs."""

    placement: str
    """Where the attention sits, `piczakcnn`, or a classical method: `knn`, `svm` or `forest`."""
    recipe: str
    """`paper`, `plain` (the same without stretch, shift and mixup), `best` or `mixed`; `mfcc` of a classical method."""

    def __str__(self) -> str:
        return f"{self.placement}-{self.recipe}"


@dataclass(frozen=True)
class QuotedRow:
    """A row of an accuracy table.

    Attributes
    ----------
    model : str
        As the paper calls it.
    percent : dict of str to float
        Dataset (`esc10`, `esc50`) → accuracy as printed; empty for a row that is ours alone.
    variant : Variant or None
        None for what is quoted only and never trained here.
    """

    model: str
    percent: dict[str, float]
    variant: Variant | None = None


@dataclass(frozen=True)
class QuotedTable:
    """An accuracy table: its number, what it is about in our words, its caption and first head as printed, its rows.

    `recipe` names the recipe of our rows where it is not the paper's.
    """

    number: int
    topic: str
    caption: str
    column: str
    rows: tuple[QuotedRow, ...]
    recipe: str = ""

    @property
    def name(self) -> str:
        """Short and unique: `Table 4`, or `Table 4 mixed`."""
        return f"Table {self.number} {self.recipe}".rstrip()

    @property
    def title(self) -> str:
        """Such as `Table 3: attention and augmentation`."""
        by = f", by recipe {self.recipe}" if self.recipe else ""
        return f"Table {self.number}{by}: {self.topic}"


@dataclass(frozen=True)
class QuotedCost:
    """A row of Table 2: millions of parameters and of "FLOPs", as printed."""

    model: str
    parameters_m: float
    flops_m: float
    placement: str


@dataclass(frozen=True)
class QuotedCells:
    """What §4.2 says of Figure 4's cells, of the 40 clips of a class.

    Attributes
    ----------
    sentence : str
        As the paper words it.
    truth, predicted : str
        Class names; equal for a recall.
    n : int
        Clips in that cell.
    """

    sentence: str
    truth: str
    predicted: str
    n: int

    @property
    def share(self) -> float:
        """Of the true class' clips, 0 to 1."""
        return self.n / CLIPS_A_CLASS


def _row(model: str, esc10: float, esc50: float, placement: str = "", recipe: str = "paper") -> QuotedRow:
    return QuotedRow(model, {"esc10": esc10, "esc50": esc50}, Variant(placement, recipe) if placement else None)


TABLE_1 = QuotedTable(
    1,
    "ACRNN and other methods",
    "Comparison of ACRNN and existing methods. We perform 5-fold cross validation (CV) by using the official fold "
    "settings. The average results of CV are recorded.",
    "Model",
    (
        _row("KNN [21]", 66.7, 32.3, "knn", "mfcc"),
        _row("SVM [21]", 67.5, 39.6, "svm", "mfcc"),
        _row("Random Forest [21]", 72.7, 44.3, "forest", "mfcc"),
        _row("AlexNet [5]", 78.4, 78.7),
        _row("Google Net [5]", 63.2, 67.8),
        _row("PiczakCNN [19]", 80.5, 64.9, "piczakcnn"),
        _row("SoundNet [1]", 92.1, 74.2),
        _row("WaveMsNet [33]", 93.7, 79.1),
        _row("EnvNet-v2 [25]", 91.4, 84.9),
        _row("ProCNN [14]", 92.1, 82.8),
        _row("Multi-Stream CNN [15]", 93.7, 83.5),
        _row("ACRNN", 93.7, 86.1, "l10"),
        QuotedRow("ACRNN, recipe best", {}, Variant("l10", "best")),
        QuotedRow("ACRNN, recipe mixed", {}, Variant("l10", "mixed")),
    ),
)
"""Table 1 (§4.1, §4.2), and below it rows of ours: the same network trained by other recipes."""

TABLE_2_TITLE = "Table 2: parameters and cost"
TABLE_2_CAPTION = (
    'Computational complexity of PiczakCNN and proposed ACRNN. "Params" denotes the number of model parameters and '
    '"FLOPs" denotes the number of floating point operations.'
)
TABLE_2 = (
    QuotedCost("PiczakCNN [19]", 31.53, 63.27, "piczakcnn"),
    QuotedCost("convolutional RNN (Ours)", 3.81, 9.17, "none"),
    QuotedCost("ACRNN (Ours)", 3.81, 9.18, "l10"),
)
"""Table 2 (§4.2)."""

TABLE_3 = QuotedTable(
    3,
    "attention and augmentation",
    "Classification accuracy of proposed convolutional RNN with and without the attention mechanism. 'augment' denotes "
    "a combination of time stretch, pitch shift and mixup.",
    "Model Settings",
    (
        _row("convolutional RNN", 89.2, 79.9, "none", "plain"),
        _row("+ attention", 91.7, 81.3, "l10", "plain"),
        _row("+ augment", 93.0, 84.6, "none"),
        _row("+ attention + augment", 93.7, 86.1, "l10"),
    ),
)
"""Table 3 (§4.3)."""

TABLE_4 = QuotedTable(
    4,
    "where the attention sits and how it is scaled",
    "Classification accuracy of applying the attention mechanism to the output of different layers of the proposed "
    "convolutional RNN and using different scaling functions.",
    "Model Settings",
    (
        _row("no attention", 93.0, 84.6, "none"),
        _row("attention at l2 (softmax)", 93.5, 85.2, "l2-softmax"),
        _row("attention at l2 (sigmoid)", 93.5, 85.6, "l2-sigmoid"),
        _row("attention at l4 (softmax)", 92.7, 83.8, "l4-softmax"),
        _row("attention at l4 (sigmoid)", 93.5, 85.0, "l4-sigmoid"),
        _row("attention at l6 (softmax)", 92.7, 84.4, "l6-softmax"),
        _row("attention at l6 (sigmoid)", 93.0, 84.8, "l6-sigmoid"),
        _row("attention at l8 (softmax)", 92.5, 84.9, "l8-softmax"),
        _row("attention at l8 (sigmoid)", 93.2, 85.0, "l8-sigmoid"),
        _row("attention at l10", 93.7, 86.1, "l10"),
    ),
)
"""Table 4 (§4.4)."""

TABLE_4_MIXED = replace(
    TABLE_4,
    rows=tuple(replace(row, variant=Variant(row.variant.placement, "mixed")) for row in TABLE_4.rows),
    recipe="mixed",
)
"""Table 4's rows beside networks of ours that were trained by another recipe than the paper's."""

ACCURACY_TABLES = (TABLE_1, TABLE_3, TABLE_4)

FIGURE_4_DATASET = "esc50"
FIGURE_4_TITLE = "Figure 4: which classes are confused"
FIGURE_4_CAPTION = "Confusion matrix of ACRNN with an average classification accuracy 86.1% on ESC-50 dataset."
FIGURE_4_VARIANT = Variant("l10", "paper")
FIGURE_4_CELLS = (
    QuotedCells("church bells obtains a 100% recognition rate", "church_bells", "church_bells", 40),
    QuotedCells("only 52.5%(21/40) helicopter samples are correctly recognized", "helicopter", "helicopter", 21),
    QuotedCells("17.5%(7/40) samples misclassified as airplane", "helicopter", "airplane", 7),
)
"""The cells of Figure 4 that §4.2 puts into numbers."""
FIGURE_4_MOST = "most classes achieve higher accuracy than 80%(32/40)"
FIGURE_4_MOST_ABOVE = 0.8
CLIPS_A_CLASS = 40
"""Clips of each class, in ESC-10 as in ESC-50."""
