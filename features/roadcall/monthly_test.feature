@runbook:001 @monthly @severity:normal
Feature: Every month the backups are restored, compared and removed again

  Nothing is broken. We look whether replication runs, restore the newest backup of the incidents table and of the
  ledger beside what is served, compare, and remove them. People review the runbook and the contacts meanwhile.

  Background:
    Given the service "roadcall"
    And the canary makes 5 requests a second
    And the service is in steady state

  Scenario: Monthly test of replication and backups
    When the recovery plan "monthly test" is run
    Then the recovery plan "monthly test" took at most 4 hours
    And the check "backups are younger than 24 hours" holds
    And the check "table replicas are active" holds
    And the check "nothing of a test is left" holds
    And no acknowledged write is lost
    And at least 99 % of all requests are answered well
