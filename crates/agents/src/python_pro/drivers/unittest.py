"""Runs unittest and writes down each test as a line of JSON. Arguments: the report, a word or nothing, then targets."""

import inspect
import json
import os
import sys
import traceback
import unittest

REPORT, WORD, TARGETS = sys.argv[1], sys.argv[2].casefold(), sys.argv[3:]
sys.path[0] = os.getcwd()


class Result(unittest.TextTestResult):
    file = open(REPORT, "a", encoding="utf-8")

    def case(self, outcome, test, error=None, message=""):
        path, line = place(test, error)
        if error:
            message = "".join(traceback.format_exception_only(error[0], error[1])).strip()
        line = {"outcome": outcome, "test": test.id(), "file": path, "line": line, "message": message[:2000]}
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()

    def addSuccess(self, test):
        super().addSuccess(test)
        self.case("passed", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.case("failed", test, err)

    def addError(self, test, err):
        super().addError(test, err)
        self.case("error", test, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.case("skipped", test, message=reason)

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.case("expected_failure", test, err)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.case("failed", test, message="it succeeds and was expected to fail")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self.case("failed" if issubclass(err[0], test.failureException) else "error", subtest, err)


def place(test, error):
    """The file of a test, and in it the line that failed or else that of the test."""
    test = getattr(test, "test_case", test)
    try:
        path = inspect.getsourcefile(type(test))
        method = getattr(test, test._testMethodName)
        line = inspect.getsourcelines(method)[1]
    except (AttributeError, OSError, TypeError):
        return None, None
    if path is None or type(test).__module__.startswith("unittest."):
        return None, None
    if error:
        lines = [at for frame, at in traceback.walk_tb(error[2]) if frame.f_code.co_filename == path]
        line = lines[-1] if lines else line
    return os.path.relpath(path), line


def load(target):
    loader = unittest.defaultTestLoader
    path, *names = target.split("::")
    if os.path.isdir(path):
        top = "." if os.path.exists(os.path.join(path, "__init__.py")) else path
        return loader.discover(path, top_level_dir=top)
    module = os.path.relpath(path)[: -len(".py")].replace(os.sep, ".")
    return loader.loadTestsFromName(".".join([module, *names]))


def everywhere():
    """The packages below, and the usual folders that are none."""
    folders = [name for name in ("tests", "test") if os.path.isdir(name)]
    return ["."] + [name for name in folders if not os.path.exists(os.path.join(name, "__init__.py"))]


def chosen(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from chosen(test)
        elif WORD in test.id().casefold():
            yield test


seen = {}
for target in TARGETS or everywhere():
    seen.update((test.id(), test) for test in chosen(load(target)))
result = unittest.TextTestRunner(resultclass=Result, verbosity=2).run(unittest.TestSuite(seen.values()))
Result.file.write(json.dumps({"outcome": "end"}) + "\n")
Result.file.close()
sys.exit(not result.wasSuccessful())
