@runbook:000 @readiness @weekly @severity:high
Feature: A snapshot is restored and looked at every week

  Point-in-time recovery is on, the newest snapshot is younger than the hour that we promise, and what it holds are
  the products: it is restored to a trial table, compared, and the trial table is removed.

  Background:
    Given the service "product-lambda"

  Scenario: Weekly backup check: the newest snapshot is restored, compared and removed
    When the recovery plan "check the backups" is run
    Then the recovery plan "check the backups" took at most 45 minutes
    And the check "snapshots were compared" holds
    And the check "the table is protected" holds
    And the check "products are intact" holds
