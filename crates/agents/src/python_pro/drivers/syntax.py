"""Compiles each file whose name it reads, without running or writing anything. Writes what is wrong as a list of JSON."""

import ast
import json
import sys
import warnings

warnings.simplefilter("ignore")
found = []
for name in json.load(sys.stdin):
    try:
        with open(name, "rb") as file:
            compile(file.read(), name, "exec", flags=ast.PyCF_ONLY_AST, dont_inherit=True)
    except SyntaxError as error:
        found.append({"file": name, "line": error.lineno, "column": error.offset, "message": str(error.msg)})
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        found.append({"file": name, "line": None, "column": None, "message": str(error)})
json.dump(found, sys.stdout)
