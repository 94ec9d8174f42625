"""Values that viewmodels are given."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hub.domain.metrics import METRICS
from hub.domain.patients import Monitoring
from hub.domain.ruling import Band
from hub.domain.samples import Sample, Shown
from hub.domain.severity import Severity
from hub.services.views.alerts import AlertRow
from hub.services.views.charts import Series
from hub.services.views.people import PatientTag
from hub.services.views.worklist import PatientRow, Watch

NOW = datetime(2026, 11, 22, 13, 4, 5, tzinfo=UTC)
ZONE = "Europe/Berlin"
PATIENT = PatientTag(1, "RV-1", "Ada Nonesuch", None, ZONE)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def sample(value: str, at: datetime = NOW, metric: str = "oxygen_saturation", **fields: Any) -> Sample:
    shown = fields.pop("shown", None)
    if shown:
        fields["shown"] = Shown(Decimal(shown[0]), shown[1])
    return Sample(1, metric, Decimal(value).quantize(METRICS[metric].resolution), at, **fields)


def alert(ref: str = "K7Q2", **fields: Any) -> AlertRow:
    defaults: dict[str, Any] = {
        "id": sum(map(ord, ref)),
        "version": 1,
        "kind": "clinical",
        "severity": Severity.RED,
        "state": "open",
        "problem": "oxygen-low",
        "subject": "patient:1",
        "sentence": "SpO2 84 %, red below 93",
        "confirmed": True,
        "signed_off": True,
        "findings": 1,
        "opened_at": ago(minutes=5),
        "triggered_at": ago(minutes=5),
        "last_finding_at": ago(minutes=5),
        "patient": PATIENT,
    }
    return AlertRow(ref=ref, **defaults | fields)


def watch(latest: datetime | None = NOW, **fields: Any) -> Watch:
    defaults: dict[str, Any] = {
        "metric": "oxygen_saturation",
        "due_at": NOW + timedelta(hours=12),
        "state": "due",
        "interval": timedelta(days=1),
        "counted_from": ago(days=30),
    }
    return Watch(latest_at=latest, **defaults | fields)


def patient(*watches: Watch, **fields: Any) -> PatientRow:
    latest = tuple(sample("97", one.latest_at, one.metric) for one in watches if one.latest_at)
    defaults: dict[str, Any] = {
        "monitoring": Monitoring.ACTIVE,
        "state_reason": None,
        "paused_until": None,
        "programmes": ("General",),
        "care_manager": None,
        "open_alerts": (),
        "latest": latest,
    }
    return PatientRow(patient=PATIENT, watches=watches, **defaults | fields)


def band(severity: Severity, side: str, limit: str, metric: str = "oxygen_saturation") -> Band:
    return Band(metric, severity, side, Decimal(limit))


def series(*samples: Sample, bands: tuple[Band, ...] = (), interval: timedelta | None = None) -> Series:
    metric = samples[0].metric if samples else "oxygen_saturation"
    return Series(metric, samples, bands, interval, samples[-1].at if samples else None)
