#!/bin/sh
# Creates the namespace and registers what jobs are searched by. May run again at any time. The server's address comes from TEMPORAL_ADDRESS.
set -eu
namespace=${TEMPORAL_NAMESPACE:-default}

until temporal operator cluster health; do sleep 2; done
temporal operator namespace describe --namespace "$namespace" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$namespace" --retention 90d

# A new namespace takes some seconds to be usable.
tries=0
until temporal operator search-attribute create --namespace "$namespace" \
  --name JobState --type Keyword \
  --name JobPhase --type Keyword \
  --name Procedure --type Keyword \
  --name HsmName --type Keyword \
  --name AzureRegion --type Keyword \
  --name RequestedBy --type Keyword \
  --name JobOutcome --type Keyword \
  --name AwaitingApproval --type Bool \
  --name HasIncident --type Bool; do
  tries=$((tries + 1))
  [ "$tries" -lt 30 ] || exit 1
  sleep 2
done
