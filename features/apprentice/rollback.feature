@runbook:002 @scenario:4 @failback @severity:critical
Feature: Data and traffic go home after the disaster

  us-west-2 has served since us-east-1 was lost. Now us-east-1 is back, with the database it had. We fence that one, stop
  writes in us-west-2, bring a snapshot home, compare it row by row, deploy, and lead the customers home. Then the
  standby is torn down to a pilot light. Nothing that was entered in between is lost, and only one database takes writes.

  Background:
    Given the service "apprentice"
    And the canary is running
    And the service is in steady state
    And the hourly backup has run and its copy has arrived

  Scenario: Rollback after DR: habits and customers return to us-east-1
    When 2 seconds pass
    And the fault "region lost" strikes
    Then the failure is detected by "health" within 15 minutes
    When the recovery plan "fail over to us-west-2" is run
    Then the service is back in steady state
    When the fault "region lost" is over
    And the planned cut-over "return to us-east-1" is run
    Then the service is back in steady state
    And the check "only home takes writes" holds
    And the check "habits came home" holds
    When the recovery plan "tear down the standby" is run
    Then the check "habits came home" holds
    And the cut-over interrupted the service for at most 3 hours
    And no write acknowledged between the cut-overs is lost
    And the measured RTO is at most 4 hours
    And the measured RPO is at most 1 hour
