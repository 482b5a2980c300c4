"""Pictures of the README, and the command that makes them."""
