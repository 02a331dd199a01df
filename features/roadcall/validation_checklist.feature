@runbook:001 @validation @severity:normal
Feature: The service is validated by the runbook's checklist

  What must be true after any recovery: customers can work, the data are whole and fit together, requests are fast and
  none is refused for lack of room, and somebody would hear of the next failure. Payments and traces are for people.

  Background:
    Given the service "roadcall"
    And the canary makes 5 requests a second
    And the service is in steady state

  Scenario: Validation checklist
    When the recovery plan "walk through the checklist" is run
    Then the check "customers can work" holds
    And the check "vendor matching is whole" holds
    And the check "incidents are intact" holds
    And the check "requests are fast" holds
    And the check "nothing is throttled" holds
    And the check "metrics arrive" holds
    And the check "alarms are active" holds
    And the check "logs are written" holds
    And no acknowledged write is lost
    And at least 99 % of all requests are answered well
