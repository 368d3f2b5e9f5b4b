from fkeras.core.code_names import global_names


def test_names_of_functions_within_count_and_attributes_and_locals_do_not():
    def outer():
        kept = first.attribute  # noqa: F821

        def inner():
            return second(kept)  # noqa: F821

        return [third for _ in kept], inner  # noqa: F821

    assert global_names(outer.__code__) == {"first", "second", "third"}
