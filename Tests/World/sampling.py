"""A hook for pytest: of the cases of a test that is marked `sampled(n)`, every nth runs at once; the others are `long`.

Where n has no divisor in common with the number of values of each parameter, every value of each is among them.
"""

import itertools

import pytest


@pytest.hookimpl(tryfirst=True)  # before those that are long are left out
def pytest_collection_modifyitems(items) -> None:
    sampled = [item for item in items if item.get_closest_marker("sampled")]
    # In the order of their parameters, as items may come in any order.
    sampled.sort(key=lambda item: (item.location[0], item.originalname, *item.callspec.indices.values()))
    for _, cases in itertools.groupby(sampled, key=lambda item: item.function):
        for number, case in enumerate(cases):
            if number % case.get_closest_marker("sampled").args[0]:
                case.add_marker(pytest.mark.long)
