@runbook:001 @annual @severity:critical
Feature: The annual exercise under production-like load

  Once a year everything is done as it would be: more than the usual traffic, the loss of us-east-1, a day of service from
  us-west-2, and the way home. The exercise counts what customers saw from the first minute to the last.

  Background:
    Given the service "roadcall"
    And the canary makes 25 requests a second
    And the service is in steady state

  Scenario: Annual exercise away from us-east-1 and home again
    When the fault "primary region outage" strikes
    Then the failure is detected by "primary health check" within 5 minutes
    When the recovery plan "fail over to us-west-2" is run
    Then the service is back in steady state
    And the check "the seed incidents are whole" holds
    When the fault "primary region outage" is over
    Then the service is back in steady state
    When 5 seconds pass
    And the planned cut-over "fail back to us-east-1" is run
    Then the service is back in steady state
    And the measured RTO is at most 1 hour
    And the measured RPO is at most 15 minutes
    And the cut-over interrupted the service for at most 15 minutes
    And no write acknowledged between the cut-overs is lost
    And the P95 latency after recovery is at most 300 ms
    And the check "one region takes writes" holds
    And the check "the seed incidents are whole" holds
    And the check "table replicas are active" holds
    And the check "the ledger's replica lags less than a second" holds
    And the check "recordings are replicated" holds
