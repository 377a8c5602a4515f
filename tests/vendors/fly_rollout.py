"""
What Fly's APIs answer while the real flyctl rolls staged secrets out over an app's Machines.

`fly secrets deploy` reads the current release (GraphQL), makes the next one (`/api/v1/releases`),
leases each Machine, updates it, waits until it is up, and marks the release
(superfly/flyctl internal/command/secrets/secrets.go, internal/command/deploy). A Machine that
keeps exiting ends the roll-out, and flyctl then prints the last lines of the app's log.
"""

from __future__ import annotations

from dataclasses import dataclass, field

IMAGE = "registry.fly.io/my-app:deployment-1"
UP = [{"type": "start", "timestamp": 1_600_000_001_000}, {"type": "launch", "timestamp": 1_600_000_000_000}]
"""Events of a Machine that runs for longer than the ten seconds flyctl else watches it."""
EXIT = {"exit_code": 1, "requested_stop": False, "restarting": True, "exited_at": "2026-01-02T00:00:00Z"}
CRASHING = [
    {"type": "exit", "timestamp": 1_600_000_002_000, "request": {"exit_event": EXIT, "restart_count": 3}}
]
LEASE = {"nonce": "0123456789ab", "expires_at": 4_102_444_800, "owner": "dev@example.com"}


def moment(minute: int) -> str:
    """A time of these APIs, by its minute."""
    return f"2026-01-02T{minute // 60:02}:{minute % 60:02}:00Z"


@dataclass
class Machine:
    """A Fly Machine: `environment` is what its processes see since its last update, `log` what they print."""

    id: str
    state: str = "started"
    environment: dict[str, str] = field(default_factory=dict)
    release: str = "1"
    exec_answer: dict[str, object] | None = None
    updates: int = 0
    crashing: bool = False
    log: tuple[str, ...] = ()

    def listed(self) -> dict[str, object]:
        metadata = {
            "fly_platform_version": "v2",
            "fly_release_version": self.release,
            "fly_process_group": "app",
        }
        return {
            "id": self.id,
            "name": self.id,
            "state": self.state,
            "region": "ams",
            "instance_id": f"{self.id}-{self.updates}",
            "host_status": "ok",
            "events": CRASHING if self.crashing else UP,
            "config": {
                "image": IMAGE,
                "metadata": metadata,
                "guest": {"cpu_kind": "shared", "cpus": 1, "memory_mb": 256},
            },
        }

    def answer(self, method: str, action: str, body: object, secrets: dict[str, str]) -> object | None:
        """To a request for this Machine or an `action` on it; None where there is no such thing."""
        if action == "" and method == "POST" and isinstance(body, dict):
            self.environment = dict(secrets)
            self.release = body["config"]["metadata"]["fly_release_version"]
            self.updates += 1
        if action == "":
            return self.listed()
        answers: dict[str, object] = {
            "exec": self.exec_answer or {"exit_code": 0, "stdout": self._environ()},
            "lease": {"status": "success", "data": LEASE},
            "wait": {"ok": True},
        }
        return answers.get(action)

    def logged(self) -> list[dict[str, object]]:
        return [{"attributes": {"timestamp": moment(0), "message": line}} for line in self.log]

    def _environ(self) -> str:
        variables = {"FLY_MACHINE_ID": self.id, "PATH": "/usr/bin", **self.environment}
        return "".join(f"{name}={value}\0" for name, value in variables.items())


@dataclass
class Release:
    """A release of an app; `status` is what flyctl last said of it."""

    version: int
    created: str
    status: str = "complete"

    def shown(self) -> dict[str, object]:
        told = {"version": self.version, "created_at": self.created, "status": self.status}
        return {"id": f"r{self.version}", "image_ref": IMAGE, **told}

    def current(self, app: str) -> dict[str, object]:
        """What the GraphQL queries for an app's image and configuration are answered with."""
        described = {"app": app, "primary_region": "ams"}
        return {**self.shown(), "imageRef": IMAGE, "configDefinition": described}
