"""Readings as files for analysis elsewhere: one snapshot, streamed, whole or not there at all."""
