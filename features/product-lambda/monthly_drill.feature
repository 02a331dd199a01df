@runbook:000 @readiness @monthly @severity:high
Feature: The standby is rehearsed and no customer notices

  A snapshot is taken, the standby is deployed without traffic and asked by its own name, what it serves is compared
  with the primary, the record is filed, and the standby is torn down again. Customers are served all the while.

  Background:
    Given the service "product-lambda"
    And the canary is running
    And the service is in steady state

  Scenario: Monthly drill: the standby is deployed, asked and torn down
    When the recovery plan "rehearse the failover" is run
    Then the recovery plan "rehearse the failover" took at most 60 minutes
    And the check "the standby is gone again" holds
    And the check "products are intact" holds
    And no acknowledged write is lost
    And at least 99 % of all requests are answered well
