import pytest

pytest.register_assert_rewrite("sophia_secrets.testing")
