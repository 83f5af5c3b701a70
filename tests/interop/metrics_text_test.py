# SPDX-License-Identifier: Apache-2.0
"""Our metrics pages, read by the parsers of the Prometheus project's own Python client."""

import math
import os
import pathlib
import subprocess
import sys
import unittest

try:
    from prometheus_client.openmetrics import parser as openmetrics
    from prometheus_client import parser as prometheus
except ImportError:
    print("skipped: python3-prometheus-client is not installed")
    sys.exit(77)

PAGES = pathlib.Path(os.environ["HF_BINARY_DIR"], "tests/interop/pages")
ZONE = "K\u00f6ln"
# name, number, count: as tests/interop/pages/main.cc puts them on the page.
OBJECTS = [
    ("plain", 0.1, 1), ('say "x"', -1e300, 0), ("back\\slash", 5e-324, 2 ** 53),
    ("two\nlines", math.inf, 3), ("\\n", -math.inf, 4),
    ("tab\t, cr\r and rocket \U0001F680", math.nan, 5),
]


def page(form):
    done = subprocess.run([PAGES, form], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          check=True, timeout=60)
    return done.stdout.decode("utf-8")


def same(a, b):
    return a == b or (math.isnan(a) and math.isnan(b))


class MetricsText(unittest.TestCase):
    def check(self, families):
        """The families by the name that the client gives them: without _total, in both formats."""
        self.assertEqual(len({family.name for family in families}), len(families))
        by_name = {family.name: family for family in families}
        number, count, age = (by_name[f"hard_{name}"] for name in ("number", "count", "age_seconds"))
        self.assertEqual(number.documentation, 'Help with \\, "quotes"\nand a break.')
        self.assertEqual((number.type, count.type, age.type), ("gauge", "counter", "gauge"))
        self.assertEqual(len(number.samples), len(OBJECTS))
        for sample, (name, value, _) in zip(number.samples, OBJECTS):
            self.assertEqual(sample.labels, {"name": name, "zone": ZONE, "other": "a,b={}#"})
            self.assertTrue(same(sample.value, value), (sample.value, value))
        for sample, (name, _, value) in zip(count.samples, OBJECTS):
            self.assertEqual(sample.name, "hard_count_total")
            self.assertEqual(sample.labels, {"name": name, "zone": ZONE})
            self.assertEqual(sample.value, value)
        self.assertEqual({sample.value for sample in age.samples}, {1.5})
        took = by_name["hard_took_seconds"]
        self.assertEqual(took.type, "histogram")
        first = [sample for sample in took.samples if sample.labels["name"] == "plain"]
        buckets = [(float(s.labels["le"]), s.value) for s in first if s.name.endswith("_bucket")]
        self.assertEqual(buckets, [(0.0001, 1), (0.5, 1), (1, 3), (1e6, 3), (math.inf, 6)])
        self.assertEqual([(s.name, s.value) for s in first if "le" not in s.labels],
                         [("hard_took_seconds_sum", 3e7), ("hard_took_seconds_count", 6)])
        states = {s.labels["state"]: s.value for s in by_name["hard_breaker_state"].samples}
        self.assertEqual(states, {"closed": 1, "open": 0, "half_open": 0, "forced_open": 0, "metrics_only": 0,
                                  "disabled": 0})
        for name in ("bulkhead_limit", "bulkhead_refused", "budget_tokens", "journal_lost"):
            self.assertIn(f"hard_{name}", by_name)
        return by_name

    def test_prometheus_format(self):
        self.check(list(prometheus.text_string_to_metric_families(page("prometheus"))))

    def test_openmetrics(self):
        families = self.check(list(openmetrics.text_string_to_metric_families(page("openmetrics"))))
        self.assertEqual(families["hard_age_seconds"].unit, "seconds")
        self.assertEqual(families["hard_count"].unit, "")

    def test_the_strict_reader_is_strict(self):
        text = page("openmetrics")
        for damage in (text.replace("# EOF\n", ""), text.replace("_total{", "{"), text + "\n",
                       text.replace('\\"x\\"', '"x"')):
            self.assertNotEqual(damage, text)
            with self.assertRaises(ValueError):
                list(openmetrics.text_string_to_metric_families(damage))


if __name__ == "__main__":
    unittest.main()
