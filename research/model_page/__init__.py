"""The page and the card metrics of a model family, judged on all data."""
