"""From a message on the wire to journal, findings, alerts and an acknowledgement, in one commit."""
