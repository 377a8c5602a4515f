"""The mutants of a few lines: each is another program, and what must be left alone is."""

from __future__ import annotations

from tests.mutation.mutants import mutants

SOURCE = '''"""About this."""

class A:
    __slots__ = ("x",)

def f(x: "int" = 1) -> "str":
    if x > 2 and not x == 3:
        return "yes"
    g(x + 1)
    return None
'''


def test_each_mutant_is_another_program_and_annotations_are_left_alone() -> None:
    found = mutants(SOURCE)
    assert [(mutant.line, mutant.what) for mutant in found] == [
        (6, "1 + 1"), (7, "condition turned round"), (7, "and, or"), (7, "Gt turned round"), (7, "no not"),
        (7, "2 + 1"), (7, "Eq turned round"), (7, "3 + 1"), (8, "None returned"), (8, "XX before 'yes'"),
        (9, "no call"), (9, "Add turned round"), (9, "1 + 1"),
    ]  # fmt: skip
    sources = {mutant.source for mutant in found}
    assert len(sources) == len(found)
    for source in sources:
        compile(source, "mutant", "exec")
