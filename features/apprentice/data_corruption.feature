@runbook:002 @scenario:3 @severity:critical
Feature: Corrupted habits are restored to the second before

  Something wrote nonsense over many habits, and deleted some, behind the application's back. We stop all writes, find
  out when it began, restore the database to the second before beside the corrupted one, look at it, and point the
  service there. The corrupted database goes last, when everything has been compared, and a snapshot of it is kept.

  Background:
    Given the service "apprentice"
    And the canary is running
    And the service is in steady state

  Scenario: Data corruption: habits are overwritten and deleted
    When the fault "habits corrupted" strikes
    Then the failure is detected by "habits are sound" within 5 minutes
    When the recovery plan "restore to before the corruption" is run
    Then the service is back in steady state
    And the check "served habits are sound" holds
    And the check "seed habits are there" holds
    And the configuration of the "restored cluster" is that of its source
    When the recovery plan "delete the corrupted cluster" is run
    Then the check "served habits are sound" holds
    And the measured RTO is at most 4 hours
    And the measured RPO is at most 1 hour
    And at most 5 minutes of writes acknowledged during the outage are lost
