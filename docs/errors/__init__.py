"""The page of every error message: how each is caused, and what is printed."""
