#!/usr/bin/env python3
"""The pieces of the bench that can be wrong without anybody seeing it: data, answers, prefixes,
measuring, tables. Needs none of the contenders."""
import decimal
import json
import os
import stat
import sys
import tempfile
import unittest
import unittest.mock
import xml.dom.minidom

sys.dont_write_bytecode = True

import answers  # noqa: E402
import chart  # noqa: E402
import datasets  # noqa: E402
import instructions  # noqa: E402
import measure  # noqa: E402
import tables  # noqa: E402

BLOCK = b"".join(b'{"user":"user%d","paymentAmt":%d.%02d}\n' % (i % 97 + 1, i % 13, i % 100) for i in range(1000))
D = decimal.Decimal


def parsed(block):
    return [answers.as_payment(line) for line in block.decode().splitlines()]


class DataSets(unittest.TestCase):
    def test_every_rewriting_keeps_the_amounts_and_tells_the_users_apart(self):
        before = parsed(BLOCK)
        for name in ("long", "escaped", "spaced", "fields"):
            with self.subTest(name):
                after = parsed(datasets.ALL[name].rewrite(BLOCK))
                self.assertEqual([amount for _, amount in after], [amount for _, amount in before])
                renamed = dict(zip((user for user, _ in before), (user for user, _ in after)))
                self.assertEqual([renamed[user] for user, _ in before], [user for user, _ in after])
                self.assertEqual(len(set(renamed.values())), 97)

    def test_the_sets_are_what_their_names_say(self):
        users = {name: [user for user, _ in parsed(datasets.ALL[name].rewrite(BLOCK))] for name in ("long", "escaped")}
        self.assertTrue(all(195 <= len(user) <= 205 for user in users["long"]))
        self.assertTrue(any('"' in user for user in users["escaped"]))
        self.assertTrue(any(ord(letter) > 0xffff for user in users["escaped"] for letter in user))
        fields = json.loads(datasets.ten_fields(BLOCK).splitlines()[0])
        self.assertEqual(len(fields), 12)
        self.assertGreater(len({line.index(b"paymentAmt") for line in datasets.spaced(BLOCK).splitlines()}), 2)

    def test_one_line_in_a_hundred_is_bad(self):
        self.assertEqual(parsed(datasets.bad_lines(BLOCK)).count(None), 10)

    def test_of_distinct_users_none_pays_twice(self):
        rewrite = datasets.distinct(2000)
        payments = parsed(rewrite(BLOCK)) + parsed(rewrite(BLOCK))
        self.assertEqual(len({user for user, _ in payments}), 2000)
        self.assertEqual([amount for _, amount in payments], [amount for _, amount in parsed(BLOCK) * 2])

    def test_a_set_is_made_from_what_paygen_writes_and_known_again(self):
        with tempfile.TemporaryDirectory() as folder:
            paygen, path = f"{folder}/paygen", f"{folder}/data"
            with open(f"{folder}/block", "wb") as file:
                file.write(BLOCK)
            with open(paygen, "w", encoding="ascii") as file:
                file.write(f'#!/bin/sh\ncat "{folder}/block"\n')
            os.chmod(paygen, stat.S_IRWXU)
            datasets.ALL["spaced"].make(paygen, path, 1000, 1)
            with open(path, "rb") as file:
                self.assertEqual(file.read(), datasets.spaced(BLOCK))
            self.assertFalse(datasets.made_whole(path, 1000))
            datasets.mark_whole(path, 1000)
            self.assertTrue(datasets.made_whole(path, 1000))
            with open(path, "ab") as file:
                file.write(b"\n")
            self.assertFalse(datasets.made_whole(path, 1000))

    def test_a_prefix_has_exactly_so_many_lines_wherever_blocks_end(self):
        with tempfile.TemporaryDirectory() as folder, unittest.mock.patch.object(datasets, "BLOCK_BYTES", 1000):
            whole, head = f"{folder}/whole", f"{folder}/head"
            with open(whole, "wb") as file:
                file.write(BLOCK)
            for count in (1, 2, 24, 25, 26, 500, 999, 1000):
                self.assertEqual(datasets.prefix(whole, head, count), count)
                with open(head, "rb") as file:
                    self.assertEqual(file.read(), b"".join(BLOCK.splitlines(keepends=True)[:count]))
            self.assertEqual(datasets.prefix(whole, head, 1001), 1000)


class Answers(unittest.TestCase):
    RIGHT = {"a": (D("0.30"), 3), "b": (D("1000000.25"), 1)}

    def test_rounded_sums_are_right_and_not_exact(self):
        got = {"a": (D("0.30000000000000004"), 3), "b": (D("1000000.25"), 1)}
        self.assertEqual(answers.compare(self.RIGHT, got, exact=False), "")
        self.assertEqual(answers.compare(self.RIGHT, got, exact=True), "1 of 2 users")

    def test_another_count_sum_or_user_is_wrong(self):
        for wrong in ({"a": (D("0.30"), 2)}, {"a": (D("0.31"), 3)}, {"c": (D("0.30"), 3)}, {"a": (None, 3)}):
            got = {"b": self.RIGHT["b"]} | wrong
            self.assertEqual(answers.compare(self.RIGHT, got, exact=False), "1 of 2 users")
        self.assertEqual(answers.compare(self.RIGHT, {"a": self.RIGHT["a"]}, exact=False), "1 users instead of 2")

    def test_every_contenders_way_to_write_a_total_is_read(self):
        for text in ('{"user":"a","sum":0.30,"count":3}', '{"user": "a", "paymentAmt_sum": 0.3, "paymentAmt_count": 3}',
                     '{"user":"a","sum":"0.30","count":"3"}'):
            with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
                file.write(text + "\n")
                file.flush()
                self.assertEqual(answers.read(file.name), {"a": (D("0.3"), 3)})

    def test_a_floor_that_counted_something_else_is_wrong(self):
        def verdict(said):
            return answers.scan_floor_verdict(said, 2, 4, self.RIGHT)
        self.assertEqual(verdict("2 users, 4 payments, 100000055 cents\n"), "floor")
        for said in ("2 users, 4 payments, 100000054 cents", "2 users, 3 payments, 100000055 cents", ""):
            self.assertTrue(verdict(said).startswith("wrong"))

    def test_the_oracle_adds_exactly_and_passes_over_what_is_no_payment(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write('{"user":"a","paymentAmt":0.1}\n' * 3 + 'junk\n{"user":"a"}\n{"user":"a","paymentAmt":"many"}\n')
            file.flush()
            self.assertEqual(answers.oracle(file.name), {"a": (D("0.3"), 3)})


class Measuring(unittest.TestCase):
    def test_the_last_output_and_the_first_failure_of_a_pipe_are_told(self):
        with tempfile.NamedTemporaryFile("r") as out:
            taken = measure.chain([["echo", "seven"], ["cat"]], out.name)
            self.assertEqual((taken.status, out.read()), (0, "seven\n"))
        self.assertEqual(measure.chain([["sh", "-c", "exit 3"], ["cat"]]).status, 3)

    def test_memory_is_that_of_the_child_and_cpu_is_counted(self):
        taken = measure.run([sys.executable, "-c", "x = b'x' * (200 << 20); sum(range(2000000))"])
        self.assertGreater(taken.peak_mb, 200)
        self.assertGreater(taken.cpu_s, 0)

    def test_what_does_not_end_is_killed(self):
        self.assertNotEqual(measure.run(["sleep", "60"], limit_s=0.2).status, 0)

    def test_a_prefix_fits_time_and_memory(self):
        fits = measure.prefix_that_fits
        self.assertEqual(fits(10_000_000, 20_000, 0.2, 20, 0.0, 10, 20, 4096), 2_000_000)
        self.assertEqual(fits(10_000_000, 20_000, 0.2, 50, 0.0, 10, 20, 4010), 2_000_000)
        self.assertEqual(fits(10_000_000, 20_000, 0.2, 90, 0.0, 10, 20, 4010), 1_000_000)
        self.assertEqual(fits(1_000_000, 20_000, 0.2, 20, 0.0, 10, 20, 4096), 1_000_000)
        self.assertEqual(fits(1_000_000, 20_000, 0.01, 10, 0.02, 10, 20, 4096), 1_000_000)


def row(name, family, threads, walls, payments=1000, answer="exact", floor=False):
    return {"name": name, "family": family, "threads": threads, "payments": payments, "answer": answer, "floor": floor,
            "walls": walls, "cpus": walls, "peaks": [7.0] * len(walls)}


RESULT = {"set": "common", "title": "a set", "payments": 1000, "bytes": 38000, "users": 10, "goal": 7.0,
          "audit": "held",
          "rows": [row("payagg", "payagg", 1, [2.0, 1.0, 9.0]), row("payagg", "payagg", 2, [1.0]),
                   row("DuckDB, DOUBLE", "DuckDB", 1, [40.0], answer="rounded"),
                   row("DuckDB, DECIMAL", "DuckDB", 1, [20.0]), row("Miller", "Miller", 0, [5.0], payments=100),
                   row("mawk", "mawk", 0, [8.0], answer="wrong: 3 of 10 users"),
                   row("jq", "jq", 0, [], answer="cannot: a <reason>"),
                   row("bare scan and add", "scan", 0, [1.6], floor=True)]}


class Instructions(unittest.TestCase):
    def test_functions_are_told_apart_and_their_parts_added(self):
        text = """--------
Ir
44,116,536 (100.0%)  PROGRAM TOTALS
13,257,507 (30.05%)  ???:paystats::FlatScanner<3ul>::scan(char const*, std::array<int, 3ul>&) const [/bin/payagg]
 4,960,856 (11.24%)  ???:paystats::(anonymous namespace)::parse(std::basic_string_view<char>, int) [/bin/payagg]
   632,430 ( 1.43%)  ./string/../sysdeps/x86_64/memcmp.S:__memcmp_avx2_movbe [/lib/libc.so.6]
         4 ( 0.00%)  ./string/other.S:__memcmp_avx2_movbe [/lib/libc.so.6]
"""
        self.assertEqual(instructions.functions(text),
                         {"FlatScanner<3ul>::scan": 13257507, "parse": 4960856, "__memcmp_avx2_movbe": 632434})


class Tables(unittest.TestCase):
    def test_ratios_are_of_medians_a_payment_and_of_the_faster_of_a_family(self):
        text = tables.summary([RESULT], 1, tables.ENGINES + tables.SLOW)
        self.assertIn("| 10.0 x | – | – | 4.0 x (wrong) | 25.0 x | cannot |", text)
        self.assertIn("1.25 x (at most 1.3)", text)

    def test_cpu_time_has_ratios_of_its_own(self):
        lazy = row("DuckDB, DOUBLE", "DuckDB", 1, [40.0], answer="rounded") | {"cpus": [6.0]}
        result = RESULT | {"rows": [RESULT["rows"][0], lazy]}
        self.assertIn("| 20.0 x |", tables.summary([result], 1, tables.ENGINES))
        self.assertIn("| 3.0 x |", tables.summary([result], 1, tables.ENGINES, "cpus"))

    def test_a_wrong_answer_counts_only_where_the_family_has_no_right_one(self):
        quick = row("DuckDB, DOUBLE", "DuckDB", 1, [3.0], answer="wrong: 1 of 10 users")
        result = RESULT | {"rows": [*RESULT["rows"], quick]}
        self.assertEqual(tables.find(result, "DuckDB", 1)["name"], "DuckDB, DECIMAL")
        self.assertEqual(tables.find(RESULT, "mawk")["answer"], "wrong: 3 of 10 users")

    def test_a_table_has_everyone_with_his_answer(self):
        text = tables.of_set(RESULT)
        for words in ("cannot: a <reason>", "wrong: 3 of 10 users", "DuckDB, DOUBLE, 1 thread", "payagg, 2 jobs"):
            self.assertIn(words, text)
        lines = [line for line in text.splitlines() if line.startswith("|")]
        self.assertEqual(len({line.count("|") for line in lines}), 1)

    def test_memory_is_told_for_each_user_where_there_are_enough_of_them(self):
        self.assertAlmostEqual(tables.name_bytes(100), 4 + (9 + 180 + 3) / 100)
        one = RESULT | {"set": "one"}
        many = RESULT | {"set": "distinct", "users": 1 << 20, "rows": [row("payagg", "payagg", 1, [1.0])]}
        many["rows"][0]["peaks"] = [77.0]
        self.assertIn("takes 70 bytes a user", tables.memory([one, many]))
        self.assertEqual(tables.memory([one, many | {"users": 1000}]), "")

    def test_the_chart_is_xml_with_a_bar_for_each_who_was_right(self):
        drawn = xml.dom.minidom.parseString(chart.draw(RESULT, "a CPU & more"))
        self.assertEqual(len(drawn.getElementsByTagName("rect")), 5)


if __name__ == "__main__":
    unittest.main()
