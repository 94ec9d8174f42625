"""Homes that do not exist: seeded physiology, written as the bytes real devices send, so that real decoders run."""

from device_gateway.simulator.homes import PROFILE, Home, draw, load
from device_gateway.simulator.player import play
from device_gateway.simulator.world import World

__all__ = ["PROFILE", "Home", "World", "draw", "load", "play"]
