"""Each rule's test runs against the core and against the model."""

import pytest
from tests.model.subject import Subject


@pytest.fixture(params=["core", "model"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def venue(kind: str) -> Subject:
    return Subject(kind).open()
