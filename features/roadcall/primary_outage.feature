@runbook:001 @scenario:1 @severity:critical
Feature: The primary region is lost and the other one takes over

  us-east-1 stops answering. We promote the ledger's replica in us-west-2 and deploy the services there, side by side;
  when they work together we lead customers to them. Route 53's records cannot be changed while us-east-1 is lost, so
  we throw a switch that lies in us-west-2. What had not been replicated is lost, and counted.

  Background:
    Given the service "roadcall"
    And the canary is running
    And the service is in steady state

  Scenario: Primary region outage
    When the fault "primary region outage" strikes
    Then the failure is detected by "primary health check" within 5 minutes
    When the recovery plan "fail over to us-west-2" is run
    Then the service is back in steady state
    And the measured RTO is at most 1 hour
    And the measured RPO is at most 15 minutes
