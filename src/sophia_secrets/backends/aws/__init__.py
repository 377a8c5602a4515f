"""
AWS Secrets Manager: the secrets whose names begin with one prefix, through the AWS CLI.

A plug-in like any other: it is found through the entry point `aws` and loaded only where the
user's own settings name it under `[backends] extra`.
"""

from sophia_secrets.backends.aws.backend import AwsBackend

__all__ = ["AwsBackend"]
