"""What pages print, worked out from read models. Pure: no Flask, no clock, no storage."""
