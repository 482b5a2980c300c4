"""The Compare page: one clip, many checkpoints, one time axis. Imports shared."""
