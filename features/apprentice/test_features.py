"""Binds the features of this folder: each scenario is a drill."""

from pytest_bdd import scenarios

scenarios(".")
