"""One profile for all properties: the same examples every time, as many as twenty seconds allow."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "fixed",
    max_examples=150,
    deadline=None,
    report_multiple_bugs=False,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("fixed")
