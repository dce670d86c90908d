"""The fault suite: a migration killed at every step boundary and at random moments."""
