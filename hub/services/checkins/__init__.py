"""Check-ins: what a patient is asked by text, when, and what becomes of the answer."""
