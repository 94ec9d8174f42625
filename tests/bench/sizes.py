"""How much each bench does: a little; with ``BENCH_RECORD`` what the record asks for; with ``BENCH_<NAME>`` this much.

``BENCH_RECORD=1 tests/run bench`` puts its figures on record. It takes some hours and 45 GB of the disk, most of both
for fifty million readings.
"""

import os

USUAL: dict[str, tuple[int, int]] = {
    # name: (usually, for the record)
    "HOMES": (500, 10_000),  # patients, each with a gateway and four devices
    "GROWN": (100_000, 2_000_000),  # readings that are there before the first is measured
    "BATCHED": (20_000, 150_000),  # readings of one run, 50 a batch
    "RATE": (0, 8_000),  # messages a second that are sustained; 0: search for the highest
    "SECONDS": (20, 600),  # for how long
    "FASTEST": (10_000, 32_000),  # messages a second beyond which the search does not look
    "STEP_SECONDS": (5, 20),  # for how long each rate of the search
    "BUSY": (1_000, 3_000),  # messages a second while the latency of alerts is measured under load
    "ALERTS": (40, 400),  # alerts of one run
    "SHARED": (3_000, 20_000),  # messages that one ingest process, and two, take out of a queue on PostgreSQL
    "SHARING": (60, 500),  # gateways that sent them
    "DAYS": (10, 365),  # of which bytes a reading are counted
    "KNOWN": (2_000, 100_000),  # patients of whom ingest has heard
    "READINGS": (200_000, 50_000_000),  # that a start finds
    "CHECKED": (200_000, 2_000_000),  # that a check reads whole
    "LEAST": (100_000, 1_000_000),  # the rate of ingest is measured with so many readings there,
    "MORE": (300_000, 10_000_000),  # with so many
    "CHARTS": (3, 20),  # patients with 90 days of five metrics each five minutes
    "PATIENTS": (1_000, 10_000),  # whose newest values are asked for together
    "COPIED": (30_000, 1_000_000),  # readings of which the copy in InfluxDB is made anew
    "MISSED": (5_000, 150_000),  # readings of one run that come while InfluxDB is away
    "MOST": (600_000, 50_000_000),  # and with so many
}


def size(name: str) -> int:
    """This run's amount."""
    usual, for_the_record = USUAL[name]
    given = os.environ.get(f"BENCH_{name}")
    return int(given) if given else for_the_record if os.environ.get("BENCH_RECORD") else usual
