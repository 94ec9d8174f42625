"""The metrics page parses, and its histograms add up."""

from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families

from dashboards.viewmodels.exposition import exposition
from hub.services.views.running import Beat, Lag, Running
from tests.unit.dashboards.shown import NOW, ago

RUNNING = Running(
    beats=(Beat("ingest", "1", ago(seconds=5), {"queue": 4}), Beat("ingest", "2", ago(seconds=2), {"queue": 1})),
    counters={
        ("rpmhub_readings_stored_total", ""): 12,
        ("rpmhub_readings_rejected_total", "unknown_metric"): 2,
        ("alerts_opened", "clinical,red"): 3,
    },
    histograms={"rpmhub_alert_latency_seconds": [(0.1, 3, 0.2), (0.5, 1, 0.4), (1e12, 1, 90.0)]},
    open_alerts={("clinical", "red"): 1},
    messages={("twilio", "delivered"): 5, ('od"d\n', "failed"): 1},
    held=2,
    quarantined=1,
)


def test_it_parses_and_adds_up() -> None:
    families = {family.name: family for family in text_string_to_metric_families(exposition(RUNNING, NOW))}
    assert families["rpmhub_readings_stored"].samples[0].value == 12
    assert families["rpmhub_readings_rejected"].samples[0].labels == {"code": "unknown_metric"}
    assert families["rpmhub_alerts_opened"].samples[0].labels == {"kind": "clinical", "severity": "red"}
    assert families["rpmhub_ingest_queue"].samples[0].value == 5
    assert families["rpmhub_tick_age_seconds"].samples[0].value == 2
    latency = {(s.name, s.labels.get("le")): s.value for s in families["rpmhub_alert_latency_seconds"].samples}
    assert latency["rpmhub_alert_latency_seconds_bucket", "0.1"] == 3
    assert latency["rpmhub_alert_latency_seconds_bucket", "0.5"] == 4
    assert latency["rpmhub_alert_latency_seconds_bucket", "+Inf"] == 5
    assert latency["rpmhub_alert_latency_seconds_count", None] == 5
    assert {s.labels["channel"] for s in families["rpmhub_messages"].samples} == {"twilio", 'od"d\n'}


def test_the_last_check_of_the_database_is_told_with_its_age_and_is_no_role() -> None:
    good = ago(seconds=90)
    detail = {"sound_at": good.isoformat(), "said": "Tree 5 page 6", "whole": True}
    running = replace(RUNNING, beats=(Beat("database-check", "database", ago(seconds=9), detail),))
    families = {family.name: family for family in text_string_to_metric_families(exposition(running, NOW))}
    assert families["rpmhub_database_check_age_seconds"].samples[0].value == 90
    assert families["rpmhub_database_sound"].samples[0].value == 0
    assert families["rpmhub_tick_age_seconds"].samples == []


def test_a_hub_that_never_ran_has_metrics_too() -> None:
    empty = exposition(Running((), {}, {}, {}, {}, 0, 0), NOW)
    assert list(text_string_to_metric_families(empty))


def test_how_far_a_copy_of_the_series_is_behind_is_told_where_there_is_one() -> None:
    families = {family.name: family for family in text_string_to_metric_families(exposition(RUNNING, NOW))}
    assert "rpmhub_series_lag_seconds" not in families
    for behind, seconds, readings in ((Lag(40, ago(seconds=90)), 90, 40), (Lag(0, None), 0, 0)):
        running = replace(RUNNING, copy=behind)
        families = {family.name: family for family in text_string_to_metric_families(exposition(running, NOW))}
        assert families["rpmhub_series_lag_seconds"].samples[0].value == seconds
        assert families["rpmhub_series_lag_readings"].samples[0].value == readings
