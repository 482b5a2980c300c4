"""Does it know what it does not know? Calibration and scores of strangeness, fitted inside the training folds.

`collect` lets a network hear clips, `fit` chooses and fits on an inner split, `sounds` makes what no class is, and
`study` measures the result on the fold that was held out.
"""
