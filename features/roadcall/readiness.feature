@runbook:001 @readiness @severity:normal
Feature: The other region is ready to take over

  Nothing is broken. We look whether us-west-2 has what it would need: replicas of the tables and of the ledger, copies
  of the recordings, recent backups, and health checks that see what they should.

  Background:
    Given the service "roadcall"
    And the canary is running
    And the service is in steady state

  Scenario: Readiness of the disaster recovery region
    Then the check "table replicas are active" holds
    And the check "the ledger's replica lags less than a second" holds
    And the check "recordings are replicated" holds
    And the check "backups are younger than 24 hours" holds
    And the check "health checks are green" holds
    And no acknowledged write is lost
    And at least 99 % of all requests are answered well
