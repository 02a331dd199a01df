@runbook:002 @scenario:1 @severity:high
Feature: An availability zone is lost and nobody has to act

  The zone of the database's writer goes dark. Aurora lets the reader in another zone take over, the functions
  connect anew, and the people on call do nothing but watch.

  Background:
    Given the service "apprentice"
    And the canary is running
    And the service is in steady state

  Scenario: AZ failure: Aurora fails over by itself
    When the fault "zone lost" strikes
    Then the failure is detected by "5xx alarm" within 2 minutes
    And the service is back in steady state
    And nobody had to act
    And the check "seed habits are there" holds
    And the measured RTO is at most 3 minutes
    And no acknowledged write is lost
