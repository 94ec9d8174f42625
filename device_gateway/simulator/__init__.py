"""Homes that do not exist: seeded physiology, written as the bytes real devices send, so that real decoders run."""

from device_gateway.simulator.homes import draw, load
from device_gateway.simulator.household import Device, Home, Person
from device_gateway.simulator.player import play
from device_gateway.simulator.world import World

__all__ = ["Device", "Home", "Person", "World", "draw", "load", "play"]
