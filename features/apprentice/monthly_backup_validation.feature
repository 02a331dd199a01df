@runbook:002 @monthly @severity:normal
Feature: The newest backup can be restored

  Once a month we restore the newest backup beside production, connect to it, and compare its records with those that
  production has not changed since. Then the test cluster is deleted. Customers notice nothing.

  Background:
    Given the service "apprentice"
    And the canary is running
    And the service is in steady state
    And the hourly backup has run and its copy has arrived

  Scenario: Monthly backup validation: the newest backup holds what production held
    When the recovery plan "validate the newest backup" is run
    Then the recovery plan "validate the newest backup" took at most 2 hours
    And the check "nothing of the test is left" holds
    And the check "seed habits are there" holds
    And at least 99 % of all requests are answered well
    And no acknowledged write is lost
