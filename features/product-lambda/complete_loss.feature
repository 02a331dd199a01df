@runbook:000 @scenario:5 @severity:critical
Feature: Everything is built anew

  The application, its names and the product table are deleted, the table's replica with it. Packages, templates and
  snapshots are left. We restore the newest snapshot to the table's own name, make the rest from the templates, and let
  customers in when the products have been looked at. What was written after the snapshot is lost.

  Background:
    Given the service "product-lambda"
    And the canary is running
    And the service is in steady state

  Scenario: Complete infrastructure loss: nothing is left but packages, templates and snapshots
    When the recovery plan "take a snapshot" is run
    And 1 second pass
    And the fault "everything is lost" strikes
    Then the failure is detected by "products can be listed" within 5 minutes
    When the recovery plan "rebuild everything" is run
    Then the service is back in steady state
    And the check "products are intact" holds
    And the check "the table is protected" holds
    And the measured RTO is at most 60 minutes
    And the measured RPO is at most 1 hour
    And at most 1 minute of writes acknowledged during the outage are lost
