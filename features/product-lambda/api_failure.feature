@runbook:000 @scenario:2 @severity:critical
Feature: A broken API is deployed anew

  A deployment whose methods lead nowhere was put on the API's stage: every request is answered with an error.
  We put the stage back to the deployment that worked, repair the methods and deploy them.

  Background:
    Given the service "product-lambda"
    And the canary is running
    And the service is in steady state

  Scenario: API failure: a deployment that leads nowhere is on the stage
    When the fault "broken API deployment" strikes
    Then the failure is detected by "5xx alarm" within 5 minutes
    When the recovery plan "redeploy the API" is run
    Then the service is back in steady state
    And the check "products are intact" holds
    And no acknowledged write is lost
    And the measured RTO is at most 10 minutes
    And the measured RPO is at most 1 hour
