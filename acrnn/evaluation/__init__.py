"""How good a model is, and how far its attention can be trusted."""
