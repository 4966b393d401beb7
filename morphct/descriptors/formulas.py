"""Formulas of descriptors, kept in the little LaTeX that Markdown shows, as plain text and as HTML."""

import html
from collections.abc import Callable

SIGNS = {"pi": "π", "psi": "ψ", "lambda": "λ", "tau": "τ", "max": "max ", "min": "min ", "cdot": "·", "times": "×"}
_OVER = {"bar": "\u0304", "hat": "\u0302"}  # combining marks
_ROOTS = {"": "√", "3": "∛"}
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

Shift = Callable[[str], str]


def plain(formula: str) -> str:
    """A formula on one line: `ψ = π^(1/3)(6V)^(2/3)/A`."""
    return _written(formula, lambda text: f"_{text}", _raised, str)


def as_html(formula: str) -> str:
    """A formula with `<sub>` and `<sup>`; all else is escaped."""
    return _written(
        formula, lambda text: f"<sub>{text}</sub>", lambda text: f"<sup>{text}</sup>", lambda text: html.escape(text)
    )


def _raised(text: str) -> str:
    return text.translate(_RAISED) if text.isdecimal() else f"^({text})"


def _written(formula: str, lowered: Shift, raised: Shift, escaped: Shift) -> str:
    out, rest = "", formula
    while rest:
        sign, argument, rest = _next(rest)
        inner = _written(argument, lowered, raised, escaped) if argument else ""
        if sign in ("_", "^"):
            out += (lowered if sign == "_" else raised)(inner)
        elif sign in _OVER:
            out += inner + _OVER[sign]
        elif sign.startswith("sqrt"):
            out += f"{_ROOTS[sign[4:]]}({inner})"
        elif sign == "{":
            out += inner
        else:
            out += SIGNS.get(sign, escaped(sign))
    return out


def _next(text: str) -> tuple[str, str, str]:
    """The first sign of a formula, its argument, and what follows."""
    if text[0] == "\\":
        name = text[1 : 1 + next((i for i, c in enumerate(text[1:]) if not c.isalpha()), len(text) - 1)]
        rest = text[1 + len(name) :]
        if rest.lstrip(" ")[:1].isalnum():  # the space only ends the name
            rest = rest.lstrip(" ")
        if name == "sqrt":
            degree = ""
            if rest.startswith("["):
                degree, _, rest = rest[1:].partition("]")
            argument, rest = _argument(rest)
            return name + degree, argument, rest
        if name in _OVER:
            argument, rest = _argument(rest)
            return name, argument, rest
        return name, "", rest
    if text[0] in "_^":
        argument, rest = _argument(text[1:])
        return text[0], argument, rest
    if text[0] == "{":
        argument, rest = _argument(text)
        return "{", argument, rest
    return text[0], "", text[1:]


def _argument(text: str) -> tuple[str, str]:
    """What stands in braces, or one sign, and what follows."""
    if not text.startswith("{"):
        return text[:1], text[1:]
    depth = 0
    for i, sign in enumerate(text):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if depth == 0:
            return text[1:i], text[i + 1 :]
    return text[1:], ""
