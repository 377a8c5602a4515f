"""
The contract that every backend passes, for the authors of backends.

A test module derives a class and provides the backend under test as the fixture `subject`:

    class TestVault(BackendContract):
        @pytest.fixture
        def subject(self, tmp_path):
            return Subject(VaultBackend.configure({"path": "app"}, context(tmp_path)), held=...)

Needs pytest. `pytest.register_assert_rewrite("sophia_secrets.testing")` in a `conftest.py` makes
its failures easier to read.
"""

from sophia_secrets.testing.contract import BackendContract, ReadOnlyContract
from sophia_secrets.testing.subject import Subject, answered
from sophia_secrets.testing.values import CANARY, VALUES

__all__ = ["CANARY", "VALUES", "BackendContract", "ReadOnlyContract", "Subject", "answered"]
