"""
Every operation of the vendors' programs that this product is built on, or decided not to use.

Each row has its arguments, what it must print, and the test that meets it through the product, or
why the product does not ask. `test_operations.py` runs them all.
"""

from tests.contract.operations.fly import FLY
from tests.contract.operations.github import GH
from tests.contract.operations.pulumi import PULUMI

ROWS = [*GH, *PULUMI, *FLY]
