"""What each virtual cuff holds at any time: a pure function of seed, device and time."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final

from device_gateway.simulator.chance import uniform
from device_gateway.simulator.homes import Home
from device_gateway.simulator.physiology import vitals

_EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)
_KPA_PER_MMHG: Final = 0.133322387415
_SILENT_AFTER: Final = timedelta(minutes=1)
_FAULT_EVERY: Final = 4
_BATTERY_DAYS: Final = 120
_HOURS: Final = (7, 19)  # when people measure at home, give or take
_HABIT: Final = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class World:
    """The homes, when their stories begin, and the zone their cuffs' clocks are set to."""

    homes: tuple[Home, ...]
    seed: int
    start: datetime
    zone: tzinfo
    stored_days: int = 0
    """Days before the start whose measurements, morning and evening, the cuffs still have in memory."""

    def newest(self, home: Home, now: datetime) -> int:
        """The number of the cuff's last measurement up to now. Numbers count from 2020 and never restart."""
        return int(((now - _EPOCH).total_seconds() - self._phase(home)) // home.interval_s)

    def stored(self, home: Home) -> list[int]:
        """The numbers of the measurements in the cuff's memory at the start, oldest first."""
        today = self.start.astimezone(self.zone).date()
        days = [today - timedelta(days=back) for back in range(self.stored_days, -1, -1)]
        moments = [
            datetime.combine(day, time(hour), self.zone) + _HABIT * uniform(self.seed, home.serial, day, hour)
            for day in days
            for hour in _HOURS
        ]
        numbers = [self.newest(home, moment) for moment in moments if moment < self.start - _HABIT]
        return numbers if self.stored_days else []

    def taken_at(self, home: Home, number: int) -> datetime:
        """When the cuff took this measurement."""
        return _EPOCH + timedelta(seconds=number * home.interval_s + self._phase(home))

    def record(self, home: Home, number: int, *, from_memory: bool = False) -> bytes | None:
        """The bytes the cuff sends for this measurement; None if the patient took none then."""
        at = self.taken_at(home, number)
        local = at.astimezone(self.zone)
        if self._missed(home, at, local):
            return None
        failed = home.story == "faulty" and number % _FAULT_EVERY == 0
        record: dict[str, object] = {
            "serial": home.serial,
            "seq": number,
            "ts": local.strftime("%Y-%m-%dT%H:%M:%S"),
            "user": home.user_index,
            "battery": self._battery(home, at),
        }
        record |= {"error": "E2", "cuffLoose": True} if failed else self._pressures(home, number, at, local)
        return json.dumps(record | ({"memory": True} if from_memory else {}), separators=(",", ":")).encode()

    def _pressures(self, home: Home, number: int, at: datetime, local: datetime) -> dict[str, object]:
        found = vitals(
            home,
            self.seed,
            number,
            hour=local.hour + local.minute / 60,
            story_s=(at - self.start).total_seconds(),
        )
        pressures = {"sys": found.systolic, "dia": found.diastolic, "map": found.mean}
        shown = {
            name: round(value * _KPA_PER_MMHG, 1) if home.unit == "kPa" else value for name, value in pressures.items()
        }
        return {"unit": home.unit, **shown, "pulse": found.pulse}

    def _missed(self, home: Home, at: datetime, local: datetime) -> bool:
        if home.story == "silent" and at > self.start + _SILENT_AFTER:
            return True
        return uniform(self.seed, home.serial, local.date(), "missed") < home.missed_days

    def _battery(self, home: Home, at: datetime) -> int:
        """Percent left; each cuff gets new batteries in its own rhythm."""
        day = (at - _EPOCH).days + round(_BATTERY_DAYS * uniform(self.seed, home.serial, "battery"))
        return 100 - 60 * (day % _BATTERY_DAYS) // _BATTERY_DAYS

    def _phase(self, home: Home) -> float:
        return home.interval_s * uniform(self.seed, home.serial, "phase")
