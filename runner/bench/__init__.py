"""How fast a migration is, and what the application notices of it: `make bench`."""
