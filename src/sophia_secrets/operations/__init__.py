"""What the product does, as functions over a `Session`: the command line and `manager` both call these."""
