"""What each virtual device holds at any time: a pure function of seed, device and time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from typing import Final

from device_gateway.simulator.chance import uniform
from device_gateway.simulator.habits import control_tests, moments, night_checks
from device_gateway.simulator.household import Device, Home, Link, Person
from device_gateway.simulator.physiology import Moment
from device_gateway.simulator.records import Record, Taken, write
from device_gateway.simulator.stories import measures

_EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)
_SENSOR_MEMORY: Final = timedelta(days=2)
_BATTERY_DAYS: Final = 120
_SEQUENCES: Final = 1 << 16  # of a glucose meter


@dataclass(frozen=True)
class World:
    """The homes, when their stories begin, and the zone their devices' clocks are set to."""

    homes: tuple[Home, ...]
    seed: int
    start: datetime
    zone: tzinfo
    stored_days: int = 0
    """Days whose measurements, at the hours at which people measure, the devices still have in memory."""

    def devices(self, link: Link) -> tuple[Device, ...]:
        """Those that speak so."""
        return tuple(device for home in self.homes for device in home.devices if device.link == link)

    def newest(self, device: Device, now: datetime) -> int:
        """The number of the device's last measurement up to now. Numbers count from 2020 and never restart."""
        return int(((now - _EPOCH).total_seconds() - self._phase(device)) // device.interval_s)

    def taken_at(self, device: Device, number: int) -> datetime:
        """When the device took this measurement."""
        return _EPOCH + timedelta(seconds=number * device.interval_s + self._phase(device))

    def local(self, device: Device, at: datetime) -> datetime:
        """What the device's clock shows, without a zone."""
        return at.astimezone(self.zone).replace(tzinfo=None) + timedelta(hours=device.clock_off_h)

    def stored(self, device: Device, now: datetime) -> list[int]:
        """The numbers of the measurements in the device's memory, oldest first."""
        if not self.stored_days:
            return []
        if device.profile == "cgm":
            first = self.newest(device, now - min(_SENSOR_MEMORY, timedelta(days=self.stored_days)))
            return list(range(first + 1, self.newest(device, now) + 1))
        oldest = now - timedelta(days=self.stored_days)
        if device.profile == "glucose-meter":
            oldest = max(oldest, self._counted_from)
        uses = {*self._uses(device, oldest, now), *self._controls(device)}
        return sorted(number for number in uses if oldest < self.taken_at(device, number) <= now)

    def record(self, device: Device, number: int, *, from_memory: bool = False) -> Record | None:
        """What the device wrote down of this measurement; None if nobody used it then."""
        at = self.taken_at(device, number)
        person = self._user(device, number)
        control = number in self._controls(device)
        if not control and not measures(person, at, self.start, self.zone, self.seed):
            return None
        return write(
            Taken(
                device=device,
                now=Moment(person, at, self.start, self.zone, self.seed),
                sequence=self._sequence(device, number),
                shown=self.local(device, at),
                battery_percent=self.battery_percent(device, at),
                control=control,
                from_memory=from_memory,
            )
        )

    def battery_percent(self, device: Device, at: datetime) -> int:
        """Percent left; each device gets new batteries in its own rhythm."""
        day = (at - _EPOCH).days + round(_BATTERY_DAYS * uniform(self.seed, device.device, "battery"))
        return 100 - 60 * (day % _BATTERY_DAYS) // _BATTERY_DAYS

    def _uses(self, device: Device, since: datetime, until: datetime) -> list[int]:
        day, last = since.astimezone(self.zone).date(), until.astimezone(self.zone).date()
        times: list[tuple[int, datetime]] = []
        for slot, number in enumerate(device.people):
            person = self._people[number]
            times += [(slot, at) for at in night_checks(device, person, self.start, self.zone)]
            for back in range((last - day).days + 1):
                uses = moments(device, person, last - timedelta(days=back), self.zone, self.seed)
                times += [(slot, at) for at in uses]
        return [self._turn(device, slot, at) for slot, at in times]

    def _turn(self, device: Device, slot: int, at: datetime) -> int:
        """The last number up to then that is this slot's: the people of a device take turns."""
        newest = self.newest(device, at)
        return newest - (newest - slot) % len(device.people)

    def _user(self, device: Device, number: int) -> Person:
        return self._people[device.people[number % len(device.people)]]

    def _controls(self, device: Device) -> frozenset[int]:
        return frozenset(self.newest(device, at) for at in control_tests(device, self.start, self.zone))

    def _sequence(self, device: Device, number: int) -> int:
        if device.profile != "glucose-meter":
            return number
        return (number - self.newest(device, self._counted_from)) % _SEQUENCES

    @property
    def _counted_from(self) -> datetime:
        """The beginning of the quarter before the start's. A meter's number has 16 bits: it has to begin anew
        somewhere, and here that lies before whatever it remembers and after nothing it will measure for weeks."""
        local = self.start.astimezone(self.zone)
        quarter = local.year * 4 + (local.month - 1) // 3 - 1
        return datetime(quarter // 4, quarter % 4 * 3 + 1, 1, tzinfo=UTC)

    @cached_property
    def _people(self) -> dict[int, Person]:
        return {person.person: person for home in self.homes for person in home.people}

    def _phase(self, device: Device) -> float:
        return device.interval_s * uniform(self.seed, device.device, "phase")
