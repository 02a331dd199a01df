@severity:critical
Feature: Notes are restored from the backup

  The machine that runs the notes service dies and takes the store with it. We put the last backup in place,
  start the service again and see that notes can be read. What was written after that backup is lost.

  Background:
    Given the service "notes-http"
    And the canary is running
    And the service is in steady state

  Scenario: The server and its store are lost
    When the fault "server and store lost" strikes
    Then the failure is detected by "notes can be listed" within 10 seconds
    When the recovery plan "restore the backup" is run
    Then the service is back in steady state
    And the check "the first notes are there" holds
    And the measured RTO is at most 30 seconds
    And the measured RPO is at most 5 seconds
    And at most 5 seconds of writes acknowledged during the outage are lost
