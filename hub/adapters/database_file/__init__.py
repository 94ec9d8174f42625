"""The embedded database's file, seen from outside: is it there, who writes it, is it whole, is there room for it."""
