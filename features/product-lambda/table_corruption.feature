@runbook:000 @scenario:3 @severity:critical
Feature: A corrupted product table is restored

  Something wrote nonsense into the product table and deleted rows, behind the application's back.
  We stop the writers, restore the table to the moment before, point the functions at it and let traffic back.

  Background:
    Given the service "product-lambda"
    And the canary is running
    And the service is in steady state

  Scenario: Table corruption: products are corrupted and deleted behind the application's back
    When the fault "table corruption" strikes
    Then the failure is detected by "5xx alarm" within 5 minutes
    When the recovery plan "restore table" is run
    Then the service is back in steady state
    And the check "products are intact" holds
    And the check "functions have their settings" holds
    And the configuration of the "restored table" is that of its source
    And the measured RTO is at most 20 minutes
    And the measured RPO is at most 1 hour
    And at most 5 minutes of writes acknowledged during the outage are lost
