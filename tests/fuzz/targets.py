"""Every target by its name."""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz import formats, masks, state, vendors

TARGETS: dict[str, Callable[[bytes], None]] = {
    "aws-listing": vendors.aws_listing,
    "aws-values": vendors.aws_values,
    "aws-failures": vendors.aws_failures,
    "fly-listing": vendors.fly_listing,
    "fly-machines": vendors.fly_machines,
    "fly-variables": vendors.fly_variables,
    "fly-failures": vendors.fly_failures,
    "gh-listing": vendors.gh_listing,
    "gh-failures": vendors.gh_failures,
    "pulumi-environment": vendors.pulumi_environment,
    "pulumi-configuration": vendors.pulumi_configuration,
    "pulumi-failures": vendors.pulumi_failures,
    "record-bytes": state.record_bytes,
    "record-round-trip": state.record_round_trip,
    "audit-log": state.audit_log,
    "dotenv": formats.dotenv,
    "json": formats.json,
    "yaml": formats.yaml,
    "settings": formats.settings,
    "strict-json": formats.strict_json,
    "redactor": masks.redactor,
    "masker": masks.masker,
}
"""The name is also that of the target's directory of the corpus."""
