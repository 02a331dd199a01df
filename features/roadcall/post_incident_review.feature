@runbook:001 @review @severity:normal
Feature: After an incident the review is written from the evidence

  A change of configuration lets the incident service name a table that is not there. We correct it, and hold the
  review: what happened and when, what it cost, what was lost, which objectives held, and what is to be done.

  Background:
    Given the service "roadcall"
    And the canary is running
    And the service is in steady state

  Scenario: Post-incident review of a wrong configuration
    When the fault "incident service misconfigured" strikes
    Then the failure is detected by "incident service errors" within 5 minutes
    When the recovery plan "correct the configuration" is run
    Then the service is back in steady state
    And the measured RTO is at most 30 minutes
    And the measured RPO is at most 15 minutes
    And the check "the review is complete" holds
