"""What `make bench` measures: ratios to a floor that is taken in the same run."""
