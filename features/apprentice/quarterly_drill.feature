@runbook:002 @quarterly @severity:critical
Feature: The quarterly exercise goes to the other region and back

  Announced beforehand, in the maintenance window: the whole failover, production's load in us-west-2, the whole way home,
  and what was learned goes into the runbook. Both interruptions are measured, each by itself.

  Background:
    Given the service "apprentice"
    And the canary makes 30 requests a second
    And the service is in steady state
    And the hourly backup has run and its copy has arrived

  Scenario: Quarterly DR drill: to us-west-2 and back
    When the recovery plan "announce the exercise" is run
    And 1500 ms pass
    And the fault "region lost" strikes
    Then the failure is detected by "health" within 15 minutes
    When the recovery plan "fail over to us-west-2" is run
    Then the service is back in steady state
    When 2 seconds pass
    And the fault "region lost" is over
    And the planned cut-over "return to us-east-1" is run
    Then the service is back in steady state
    And the check "only home takes writes" holds
    And the check "habits came home" holds
    When the recovery plan "tear down the standby" is run
    And the recovery plan "learn from the exercise" is run
    Then the check "habits came home" holds
    And the cut-over interrupted the service for at most 3 hours
    And no write acknowledged between the cut-overs is lost
    And the measured RTO is at most 4 hours
    And the measured RPO is at most 1 hour
