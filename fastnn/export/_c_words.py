"""Words of the user's in C: the name that identifiers begin with, strings, and text of comments."""

from __future__ import annotations

import json
import os
import re
import shlex
from typing import Any

from fastnn import _checks

LONGEST_NAME = 40  # with endings below 63 characters, by which C tells names apart

KEYWORDS = {
    "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break",
    "case", "catch", "char", "char16_t", "char32_t", "char8_t", "class", "co_await", "co_return",
    "co_yield", "compl", "concept", "const", "const_cast", "consteval", "constexpr", "constinit",
    "continue", "decltype", "default", "delete", "do", "double", "dynamic_cast", "else", "enum",
    "explicit", "export", "extern", "false", "float", "for", "friend", "goto", "if", "inline",
    "int", "long", "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr",
    "operator", "or", "or_eq", "private", "protected", "public", "register", "reinterpret_cast",
    "requires", "restrict", "return", "short", "signed", "sizeof", "static", "static_assert",
    "static_cast", "struct", "switch", "template", "this", "thread_local", "throw", "true", "try",
    "typedef", "typeid", "typename", "typeof", "typeof_unqual", "union", "unsigned", "using",
    "virtual", "void", "volatile", "wchar_t", "while", "xor", "xor_eq",
}  # fmt: skip
# Of math.h, with the endings f and l, too; and of other headers what programs are likely to use.
MATH = {
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "copysign", "cos",
    "cosh", "erf", "erfc", "exp", "exp2", "expm1", "fabs", "fdim", "floor", "fma", "fmax", "fmin",
    "fmod", "frexp", "hypot", "ilogb", "ldexp", "lgamma", "llrint", "llround", "log", "log10",
    "log1p", "log2", "logb", "lrint", "lround", "modf", "nan", "nearbyint", "nextafter",
    "nexttoward", "pow", "remainder", "remquo", "rint", "round", "scalbln", "scalbn", "sin",
    "sinh", "sqrt", "tan", "tanh", "tgamma", "trunc",
}  # fmt: skip
OTHERS = {
    "abort", "abs", "assert", "atof", "atoi", "calloc", "EOF", "errno", "exit", "fclose", "fopen",
    "fprintf", "fputs", "fread", "free", "fscanf", "fwrite", "getchar", "gets", "HUGE_VAL",
    "INFINITY", "isfinite", "isinf", "isnan", "isnormal", "labs", "main", "malloc", "math",
    "memcmp", "memcpy", "memmove", "memset", "NAN", "NULL", "offsetof", "printf", "ptrdiff_t",
    "putchar", "puts", "qsort", "rand", "realloc", "scanf", "signbit", "size_t", "snprintf",
    "sprintf", "srand", "std", "stderr", "stdin", "stdint", "stdio", "stdout", "strcat", "strchr",
    "strcmp", "strcpy", "string", "strlen", "strncmp", "strncpy", "strtod", "strtol", "system",
    "time",
}  # fmt: skip
DEFAULT_NAME = "model"
OF_LIBRARY = OTHERS | {f"{one}{ending}" for one in MATH for ending in ("", "f", "l")}
TAKEN = KEYWORDS | OF_LIBRARY


def check_name(value: Any) -> str:
    """A name that C and C++ let begin others, and that is none of theirs."""
    name = _checks.text(value, "name")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or "__" in name or name.endswith("_"):
        raise ValueError(
            "name must be an identifier of C that is free for programs: letters of ASCII, digits "
            "and single underscores, with a letter first and no underscore last; got "
            f'{_checks.description(name)}; use for example "{_free(name)}"'
        )
    if name in TAKEN:
        whose = "a keyword of C or C++" if name in KEYWORDS else "taken by the C library"
        raise ValueError(f'name must not be "{name}", which is {whose}; use "{name}_model"')
    if len(name) > LONGEST_NAME:
        raise ValueError(
            f"name must have at most {LONGEST_NAME} characters, got {len(name)}; use "
            f'"{_free(name)}"'
        )
    return str(name)


def name_of(path: str | None) -> str:
    """A name for what is written to a path: that of the file, as far as C takes it."""
    stem = "" if path is None else os.path.splitext(os.path.basename(path))[0]
    return _free(stem)


def _free(text: str) -> str:
    """A name that a text makes: letters, digits, and underscores for the rest."""
    found = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")
    found = found if found[:1].isalpha() else f"{DEFAULT_NAME}_{found}"
    found = found[:LONGEST_NAME].rstrip("_")
    return f"{found}_{DEFAULT_NAME}" if found in TAKEN else found


def file_name(path: str | None, name: str) -> str:
    """A header's file, as a word of a shell's in a comment; where it is none, a name for it."""
    file = "" if path is None else os.path.basename(path)
    is_word = file.isascii() and file.isprintable() and file[:1] not in ("", "-")
    return shlex.quote(file) if is_word and "*/" not in file else f"{name}.h"


def string(value: str) -> str:
    """A literal of UTF-8; a question mark with a backslash begins no trigraph."""
    if "\0" in value:
        raise ValueError(
            f"class names must have no NUL, where strings of C end, got {value!r}; fit with "
            "another name"
        )
    text = ""
    for byte in value.encode("utf-8", "backslashreplace"):
        character = chr(byte)
        if character in '"\\?':
            text += "\\" + character
        elif " " <= character <= "~":
            text += character
        else:
            text += f"\\{byte:03o}"  # three digits, so that none behind it belongs to it
    return f'"{text}"'


def quoted(value: Any) -> str:
    """For a comment: a string as JSON writes it, all ASCII, in which no comment begins or ends."""
    return json.dumps(value).replace("*", "\\u002a") if isinstance(value, str) else repr(value)
