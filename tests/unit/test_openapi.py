"""The API's description is valid, and says what the table of routes says."""

import json

from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from solrecd.api.routes import ROUTES, Method
from tools.openapi import ANSWERS, PATH, description, text


def test_what_make_docs_makes_is_current() -> None:
    assert PATH.read_text("utf-8") == text(), "run `make docs`"


def test_it_is_valid_openapi() -> None:
    validate(json.loads(text()), cls=OpenAPIV31SpecValidator)


def test_every_route_is_described_with_its_role() -> None:
    described = {
        (path, method): operation["x-solrecd-role"]
        for path, operations in description()["paths"].items()
        for method, operation in operations.items()
    }

    assert described == {
        (rule.path, "post" if rule.method is Method.POST else "get"): rule.role.value
        for rule in ROUTES
    }


def test_every_answer_is_one_that_a_route_gives() -> None:
    given = {rule.answer for rule in ROUTES if rule.method is not Method.WEBSOCKET}

    assert given == set(ANSWERS)
