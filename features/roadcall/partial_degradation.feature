@runbook:001 @scenario:2 @severity:high
Feature: Some services are degraded, and the rest carries on

  The incidents table and the incident service have too little room, and vendor matching has lost its directory. Some
  requests fail, others are answered. We find the affected services by their alarms, see that vendor matching falls
  back to what it knows, give the others room, and watch the errors fall.

  Background:
    Given the service "roadcall"
    And the canary makes 16 requests a second
    And the service is in steady state

  Scenario: Partial degradation of incidents and vendor matching
    When the fault "incidents have too little room" strikes
    And the fault "vendor directory lost" strikes
    Then the failure is detected by "incidents throttled" within 5 minutes
    And the failure is detected by "incident service errors" within 5 minutes
    When the recovery plan "relieve the degraded services" is run
    Then the service is back in steady state
    And the check "vendor matching is whole" holds
    And the measured RTO is at most 30 minutes
    And the P95 latency after recovery is at most 300 ms
    And no acknowledged write is lost
