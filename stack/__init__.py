"""The whole system on one machine: command line, embedded servers, simulators, supervisor."""
