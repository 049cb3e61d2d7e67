"""What holds for all tests."""

from hypothesis import settings

# How long one example takes is a matter of the machine's load; tests that judge time
# are marked `alone`.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
