@runbook:000 @scenario:aftermath @severity:medium
Feature: After a recovery the service is looked over

  The list function is broken and rolled back. Then comes what the runbook asks for after every recovery: all
  endpoints, the data, the speed and the alarms are looked at, the incident is written down, its cause is looked for.

  Background:
    Given the service "product-lambda"
    And the canary is running
    And the service is in steady state

  Scenario: Post-recovery actions: the service is whole, and people learn
    When the fault "bad deployment" strikes
    Then the failure is detected by "function errors alarm" within 5 minutes
    When the recovery plan "roll back function" is run
    Then the service is back in steady state
    When the recovery plan "post-recovery actions" is run
    Then the check "every endpoint works" holds
    And the check "products are intact" holds
    And the check "products are served fast" holds
    And the check "the incident is filed" holds
    And no acknowledged write is lost
    And the P95 latency after recovery is at most 300 ms
    And the measured RTO is at most 5 minutes
