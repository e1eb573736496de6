#!/bin/sh
# Make the namespace that orders live in, unless it is there. Safe to run again.
set -eu
if temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
    exit 0
fi
# How long Temporal keeps the history of a closed order; our own audit trail outlives it.
temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 30d
