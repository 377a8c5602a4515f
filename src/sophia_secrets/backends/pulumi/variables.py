"""
The allow-list of variables for a `pulumi` process.

Not among them: `PULUMI_OPTION_*` (every flag of every command), `PULUMI_STACK`,
`PULUMI_SKIP_CONFIRMATIONS` and the marker variables of coding tools (which make the program sign up an
account).
"""

from __future__ import annotations

from collections.abc import Mapping

TOKEN = "PULUMI_ACCESS_TOKEN"  # noqa: S105


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SYSTEM = _words(
    """
    HOME USER PATH TMPDIR LANG SSL_CERT_FILE SSL_CERT_DIR
    HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy
    """
)
PLACE = _words(
    """
    PULUMI_BACKEND_URL PULUMI_API PULUMI_HOME PULUMI_CREDENTIALS_PATH PULUMI_CREDENTIAL_STORE
    PULUMI_DEFAULT_ORGANIZATION PULUMI_CONSOLE_DOMAIN
    """
)
PASSPHRASE = frozenset({"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"})
_AWS = _words(
    """
    AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_REGION AWS_DEFAULT_REGION AWS_PROFILE
    AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE AWS_ROLE_ARN AWS_WEB_IDENTITY_TOKEN_FILE AWS_CA_BUNDLE
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_CONTAINER_CREDENTIALS_FULL_URI
    AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE
    """
)
_AZURE = _words(
    """
    AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_CLIENT_SECRET AZURE_CLIENT_CERTIFICATE_PATH
    AZURE_FEDERATED_TOKEN_FILE AZURE_KEYVAULT_AUTH_VIA_CLI AZURE_STORAGE_ACCOUNT AZURE_STORAGE_KEY
    AZURE_STORAGE_SAS_TOKEN
    """
)
_GOOGLE = frozenset({"GOOGLE_CREDENTIALS", "GOOGLE_OAUTH_ACCESS_TOKEN", "GOOGLE_APPLICATION_CREDENTIALS"})
_VAULT = frozenset({"VAULT_SERVER_URL", "VAULT_ADDR", "VAULT_SERVER_TOKEN", "VAULT_TOKEN"})

# By the scheme of a stack's `secretsprovider` or of a self-managed backend (a bucket).
BY_SCHEME: Mapping[str, frozenset[str]] = {
    "awskms": _AWS,
    "s3": _AWS,
    "azurekeyvault": _AZURE,
    "azblob": _AZURE,
    "gcpkms": _GOOGLE,
    "gs": _GOOGLE,
    "hashivault": _VAULT,
}
CREDENTIALS = PLACE | PASSPHRASE | {TOKEN} | _AWS | _AZURE | _GOOGLE | _VAULT
