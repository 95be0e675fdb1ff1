"""Runs pytest and writes down each test as a line of JSON. Arguments: the report, then those of pytest."""

import json
import os
import sys

sys.path[0] = os.getcwd()

import pytest  # noqa: E402  (found as `python -m pytest` finds it)


class Report:
    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8")

    def write(self, **line):
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()

    def case(self, outcome, report, line=None, message=""):
        file, number = report.location[0], report.location[1]
        number = line if line is not None else number + 1 if number is not None else None
        self.write(outcome=outcome, test=report.nodeid, file=file, line=number, message=message[:2000])

    def pytest_runtest_logreport(self, report):
        expected = hasattr(report, "wasxfail")
        if report.failed:
            outcome = "failed" if report.when == "call" else "error"
            self.case(outcome, report, crash_line(report), crash_message(report))
        elif report.skipped:
            reason = report.wasxfail if expected else skip_reason(report)
            self.case("expected_failure" if expected else "skipped", report, message=reason)
        elif report.when == "call":
            self.case("passed", report)

    def pytest_collectreport(self, report):
        if report.failed:
            name = report.nodeid or "collection"
            text = str(report.longrepr)
            file = name.split("::")[0]
            self.write(outcome="error", test=name, file=file, line=error_line(text, file), message=text[-2000:])
        elif report.skipped:
            name = report.nodeid
            self.write(outcome="skipped", test=name, file=name, line=None, message=skip_reason(report)[:2000])

    def pytest_sessionfinish(self):
        self.write(outcome="end")


def crash_line(report):
    """The line that failed, if it stands in the file of the test."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash and os.path.realpath(crash.path) == os.path.realpath(report.location[0]):
        return crash.lineno
    return None


def crash_message(report):
    crash = getattr(report.longrepr, "reprcrash", None)
    return crash.message if crash else str(report.longrepr)


def skip_reason(report):
    reason = report.longrepr
    return str(reason[2] if isinstance(reason, tuple) else reason)


def error_line(text, file):
    """The last line of `file` that a traceback names, as `file:12: in` or `File "file", line 12`."""
    import re

    places = re.findall(re.escape(file) + r'(?:", line |:)(\d+)', text)
    return int(places[-1]) if places else None


sys.exit(pytest.main(sys.argv[2:], plugins=[Report(sys.argv[1])]))
