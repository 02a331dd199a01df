"""Templates: what they refer to, in which order things are made, and what cannot be a template."""

from __future__ import annotations

from typing import Any

import pytest
from moto.cloudformation.exceptions import ValidationError

from drillbook.embedded.stacks.template import Resources, normal, references

TOPIC = {"Type": "AWS::SNS::Topic"}


def resources(template: dict[str, Any], **parameters: str) -> Resources:
    made = Resources("id", "stack", parameters, {}, "us-east-1", "111122223333", normal(template), {})
    made.load()
    return made


def test_references_are_found_in_every_form() -> None:
    said = {
        "DependsOn": "A",
        "Properties": [{"Ref": "B"}, {"Fn::GetAtt": ["C", "Arn"]}, {"Fn::Sub": ["${D}-${x}", {"x": {"Ref": "E"}}]}],
    }
    assert references(said) == {"A", "B", "C", "D", "E"}


def test_an_attribute_inside_sub_is_a_reference_of_its_own() -> None:
    whole = normal({"Resources": {"A": TOPIC, "B": {"Type": "x", "Properties": {"P": {"Fn::Sub": "x-${A.Name.Of}"}}}}})
    assert references(whole["Resources"]["B"]) == {"A"}
    assert whole["Resources"]["B"]["Properties"]["P"]["Fn::Sub"][1] == {"AxNamexOf": {"Fn::GetAtt": ["A", "Name.Of"]}}


def test_what_is_referred_to_is_made_first() -> None:
    last = {"Type": "x", "Properties": {"P": {"Ref": "Middle"}}}
    template = {"Resources": {"Last": last, "Middle": TOPIC | {"DependsOn": ["First"]}, "First": TOPIC}}
    assert resources(template).wanted() == ["First", "Middle", "Last"]


def test_a_resource_whose_condition_is_false_is_not_wanted() -> None:
    template = {
        "Parameters": {"Stage": {"Type": "String"}},
        "Conditions": {"Live": {"Fn::Equals": [{"Ref": "Stage"}, "live"]}},
        "Resources": {"A": TOPIC, "B": TOPIC | {"Condition": "Live"}},
    }
    assert resources(template, Stage="test").wanted() == ["A"]
    assert sorted(resources(template, Stage="live").wanted()) == ["A", "B"]


def test_a_circle_is_refused() -> None:
    template = {"Resources": {"A": TOPIC | {"DependsOn": "B"}, "B": TOPIC | {"DependsOn": "A"}}}
    with pytest.raises(ValidationError, match=r"Circular dependency between resources: \[A, B\]"):
        resources(template).wanted()


@pytest.mark.parametrize("template", [{}, {"Resources": {}}, "not a template"])
def test_no_resources_is_no_template(template: Any) -> None:
    with pytest.raises(ValidationError, match="At least one Resources member"):
        normal(template)
