@runbook:001 @scenario:3 @severity:critical
Feature: Incidents that a bad writer has spoilt are restored in both stores

  Something writes nonsense into the incidents table and into the ledger, and deletes some of both, behind the
  services' back. We stop writes, find the instant before the first wrong write, restore both stores to it side by
  side, and lead the services to them when the two agree with each other.

  Background:
    Given the service "roadcall"
    And the canary is running
    And the service is in steady state

  Scenario: Data corruption in the incidents table and the ledger
    # By then there are records enough that some are spoilt which clients read: the alarm counts only what they meet.
    When 5 seconds pass
    And the fault "incidents corrupted" strikes
    And the fault "ledger corrupted" strikes
    Then the failure is detected by "ledger integrity" within 5 minutes
    And the failure is detected by "incident service errors" within 5 minutes
    When the recovery plan "restore table and ledger" is run
    Then the service is back in steady state
    And the check "incidents are intact" holds
    And the configuration of the "restored incidents table" is that of its source
    And the configuration of the "restored ledger" is that of its source
    And the measured RTO is at most 1 hour
    And the measured RPO is at most 15 minutes
    And at most 5 minutes of writes acknowledged during the outage are lost
