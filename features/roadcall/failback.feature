@runbook:001 @failback @severity:critical
Feature: Traffic and data come home

  us-east-1 is back. We count what only it had when it was lost, let its ledger follow the one in us-west-2, stop writes
  for a moment, switch over and lead customers home. Nothing that was acknowledged in between may be lost, and only one
  region may take writes.

  Background:
    Given the service "roadcall"
    And the canary is running
    And the service is in steady state

  Scenario: Failback to the primary region
    When the fault "primary region outage" strikes
    Then the failure is detected by "primary health check" within 5 minutes
    When the recovery plan "fail over to us-west-2" is run
    Then the service is back in steady state
    When the fault "primary region outage" is over
    Then the service is back in steady state
    When the planned cut-over "fail back to us-east-1" is run
    Then the service is back in steady state
    And the measured RTO is at most 1 hour
    And the measured RPO is at most 15 minutes
    And the cut-over interrupted the service for at most 15 minutes
    And no write acknowledged between the cut-overs is lost
    And the check "one region takes writes" holds
    And the check "the seed incidents are whole" holds
    And the check "table replicas are active" holds
