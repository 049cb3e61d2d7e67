"""What holds for all tests."""

import os
import time

from hypothesis import settings

# How long one example takes is a matter of the machine's load; tests that judge time
# are marked `alone`.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# People read and type times of their own zone; a test that means another sets it.
os.environ["TZ"] = "UTC"
time.tzset()
