"""What several pages use: choosing a clip and a checkpoint, analysing once, the player, exports, words."""
