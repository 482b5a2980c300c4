"""The Confusions page: matrix, cell, clips, and the attention of the very model that erred. Imports shared."""
