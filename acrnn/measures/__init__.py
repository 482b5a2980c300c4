"""A network and clips → plain rows of numbers: accuracy, attention, localisation, robustness, faithfulness.

Comes in: a `Predictor` and a dataset. Goes out: named values and rows that JSON takes; nothing is laid out for people
here. Imports audio, features, data, model and inference.
"""
