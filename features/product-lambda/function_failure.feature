@runbook:000 @scenario:1 @severity:critical
Feature: A broken function is rolled back

  A bad deployment of the list function answers every request with an error. We roll it back to the artifact
  that worked, and check through the API that products are served again.

  Background:
    Given the service "product-lambda"
    And the canary is running
    And the service is in steady state

  Scenario: Function failure: a bad deployment breaks the product list
    When the fault "bad deployment" strikes
    Then the failure is detected by "function errors alarm" within 5 minutes
    When the recovery plan "roll back function" is run
    Then the service is back in steady state
    And the check "products are intact" holds
    And no acknowledged write is lost
    And the measured RTO is at most 5 minutes
    And the measured RPO is at most 1 hour
