"""The Train page: start a run, watch, stop, resume, publish. Imports shared."""
