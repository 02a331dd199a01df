@runbook:000 @scenario:4 @severity:critical
Feature: The catalogue moves to the standby region

  The primary region does not answer any more. The products are in the standby region already, as they were a moment
  before; what serves them is not. We deploy it there, ask it directly, and only then lead customers to it.

  Background:
    Given the service "product-lambda"
    And the canary makes 20 requests a second
    And the service is in steady state

  Scenario: Regional failure: the primary region is dark
    When the fault "primary region lost" strikes
    Then the failure is detected by "health check alarm" within 5 minutes
    When the recovery plan "fail over" is run
    Then the service is back in steady state
    And the check "the standby's products are intact" holds
    And the measured RTO is at most 30 minutes
    And the measured RPO is at most 1 hour
    And at most 1 minute of writes acknowledged during the outage are lost
