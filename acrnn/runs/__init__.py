"""A run is a folder, and a process that works in it: start, watch, stop, resume, finish, publish.

Comes in: options. Goes out: a run's folder with its state, its metrics, and at last a scored checkpoint. Imports
training and measures, and all before.
"""
