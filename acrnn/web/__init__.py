"""What the pages share: the player, the choice of clip and checkpoint, and results kept for the whole process."""
