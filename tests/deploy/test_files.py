"""The files that put Majlis on machines say what the contract asks of them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from majlis.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"


def documents(name: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all((DEPLOY / name).read_text()) if document]


def of_kind(kind: str) -> dict[str, Any]:
    (found,) = [document for document in documents("kubernetes.yaml") if document["kind"] == kind]
    return found


def container() -> dict[str, Any]:
    (found,) = of_kind("Deployment")["spec"]["template"]["spec"]["containers"]
    return dict(found)


@pytest.mark.rule("hamsaya:172")
def test_three_replicas_with_their_share_of_a_machine() -> None:
    assert of_kind("Deployment")["spec"]["replicas"] == 3
    assert container()["resources"] == {
        "requests": {"memory": "256Mi", "cpu": "250m"},
        "limits": {"memory": "512Mi", "cpu": "500m"},
    }


@pytest.mark.rule("hamsaya:172")
def test_the_database_and_every_secret_come_from_a_secret() -> None:
    assert {"secretRef": {"name": "majlis"}} in container()["envFrom"]
    open_to_all = of_kind("ConfigMap")["data"]
    assert not [
        name for name in open_to_all if any(word in name for word in ("DATABASE", "SECRET", "REDIS", "_KEY"))
    ]


@pytest.mark.rule("hamsaya:170")
def test_probes_ask_what_the_contract_says() -> None:
    live, ready = container()["livenessProbe"], container()["readinessProbe"]
    assert live == {
        "httpGet": {"path": "/health/live", "port": 8080},
        "initialDelaySeconds": 10,
        "periodSeconds": 10,
    }
    assert ready == {
        "httpGet": {"path": "/health/ready", "port": 8080},
        "initialDelaySeconds": 5,
        "periodSeconds": 5,
    }


@pytest.mark.rule("hamsaya:3")
@pytest.mark.rule("afrochat:R32")
def test_a_proxy_stands_before_the_api_and_its_stores_behind_it() -> None:
    nginx = (DEPLOY / "nginx.conf").read_text()
    assert "proxy_set_header Upgrade $http_upgrade" in nginx, "WebSockets pass"
    assert "~^/sioree/api/social/ 0;" in nginx
    assert "~^/hooks/             0;" in nginx and "if=$majlis_logged" in nginx, "secrets stay out of logs"
    assert "listen 443 ssl" in nginx and "return 301 https://" in nginx
    (compose,) = documents("compose.yaml")
    assert {"majlis", "postgres", "redis", "s3"} <= set(compose["services"])
    assert compose["services"]["majlis"]["ports"] == ["127.0.0.1:8080:8080"], "only the proxy reaches it"


@pytest.mark.parametrize("name", ["compose.yaml", "kubernetes.yaml"])
def test_every_setting_that_is_set_exists(name: str) -> None:
    known = {f"MAJLIS_{field.upper()}" for field in Settings.__struct_fields__}
    if name == "compose.yaml":
        used = set(documents(name)[0]["services"]["majlis"]["environment"])
    else:
        used = set(of_kind("ConfigMap")["data"])
    assert used <= known


@pytest.mark.rule("hamsaya:173")
@pytest.mark.rule("afrochat:R32", "x18:R42")
def test_the_image_is_built_in_two_stages_and_runs_as_nobody_special() -> None:
    lines = (DEPLOY / "Containerfile").read_text().splitlines()
    assert len([line for line in lines if line.startswith("FROM ")]) == 2
    second = lines[[at for at, line in enumerate(lines) if line.startswith("FROM ")][1] :]
    assert "EXPOSE 8080" in second
    assert any(line.startswith("USER 10001") for line in second)
    assert not any("pip install" in line for line in second), "what builds stays in the first stage"
