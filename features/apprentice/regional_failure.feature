@runbook:002 @scenario:2 @severity:critical
Feature: The primary region is lost and the pilot light is lit

  All of us-east-1 goes dark. We decide by the impact, restore the database from the newest backup that was copied to
  us-west-2, deploy the API and the front end there, lead the customers over, and try the service as a customer would.
  What was written after that backup is lost, and we say so.

  Background:
    Given the service "apprentice"
    And the canary is running
    And the service is in steady state
    And the hourly backup has run and its copy has arrived

  Scenario: Regional failure: the habit tracker is restored in us-west-2
    When 2 seconds pass
    And the fault "region lost" strikes
    Then the failure is detected by "health" within 15 minutes
    When the recovery plan "fail over to us-west-2" is run
    Then the service is back in steady state
    And the check "seed habits were restored" holds
    And the measured RTO is at most 4 hours
    And the measured RPO is at most 1 hour
