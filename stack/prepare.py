"""`throughline prepare`: get or build now what a first start would have to wait for."""

from stack.console import failures_told, report
from stack.places import unprivileged_account
from stack.postgres import find_binaries
from stack.running import given, temporal_program


def prepare() -> None:
    """Get the servers' programs (Temporal may be downloaded or built, once per user)."""
    with failures_told():
        program = temporal_program(report)
        report(f"Temporal: {program or given('TEMPORAL_ADDRESS')}")
        if given("DATABASE_URL"):
            report("PostgreSQL: as DATABASE_URL says")
        else:
            binaries = find_binaries(unprivileged_account())
            report(f"PostgreSQL: {binaries.version} in {binaries.folder}")
