"""The table of formats of configurations is the only list of them: the program takes it from there, and what people read
names every entry. A format that is added to the table and not to the documents fails here."""
import re
import unittest
from pathlib import Path

import program
from program import Case

SOURCE = Path(__file__).resolve().parents[2]


class Formats(Case):
    def setUp(self):
        super().setUp()
        text = self.good("list", "formats")
        self.titles = dict(re.findall(r"^(\w+): (.*?) \(", text, flags=re.M))
        self.written = re.findall(r"^(\w+): .*\n +written +\d", text, flags=re.M)
        self.endings = re.findall(r" (\.\w+)", "".join(re.findall(r"^ +written .*", text, flags=re.M)))
        self.assertGreaterEqual(len(self.titles), 4)
        self.assertGreaterEqual(len(self.written), 2)
        self.assertGreaterEqual(len(self.endings), 2)

    def test_help(self):
        everything = self.good("--help")
        for command, names in (("info", self.titles.values()), ("convert", self.written)):
            line = f"({', '.join(names)})"
            self.assertIn(line, everything)
            self.assertIn(line, self.good(command, "--help"))

    def test_messages(self):
        self.write("noise", "noise")
        *titles, last = self.titles.values()
        self.bad(["info", "noise"], f"expected a configuration ({', '.join(titles)} or {last})")
        self.bad(["convert", "noise", "out", "--format", "noise"], f"expected one of {', '.join(self.written)}, found 'noise'")
        self.bad(["convert", "noise", "out"], *self.endings, f"say --format {' or --format '.join(self.written)}")

    def test_manual(self):
        text = (SOURCE / "man/causeway.1").read_text()
        info = text[text.index(".It Cm info"):text.index(".It Cm convert")]
        convert = text[text.index(".It Cm convert"):text.index(".It Cm check")]
        for title in self.titles.values():
            self.assertIn(title, " ".join(info.split()))
        form = convert[convert.index(".It Fl -format"):convert.index(".It Fl -precision")]
        for name in self.written:
            self.assertRegex(form, rf"(?m)^\.Cm {name}\b")
        for ending in self.endings:
            self.assertRegex(form, rf"(?m)^\.Pa \{ending}\b")

    def test_table_of_the_documents(self):
        """docs/configurations.md: one row per format, with its word, and whether it is written."""
        text = (SOURCE / "docs/configurations.md").read_text()
        table = text[text.index("| format |"):].split("\n\n")[0]
        rows = {word: (title, written) for title, word, _, written in
                re.findall(r"^\| ([^|]+) \| `(\w+)` \| (\w+) \| ([^|]+) \|", table, flags=re.M)}
        self.assertEqual(list(rows), list(self.titles))
        for name, (title, written) in rows.items():
            self.assertIn(self.titles[name].split()[0], title)
            self.assertEqual(written.startswith("yes"), name in self.written, name)
        for ending in self.endings:
            self.assertIn(f"`{ending}`", text)

    def test_no_other_list(self):
        """Nobody but its own file spells the word of a format, or takes its table by name."""
        for path in [*SOURCE.glob("src/**/*.[ch]"), *SOURCE.glob("include/**/*.h")]:
            text = path.read_text()
            for name in self.titles:
                if path != SOURCE / f"src/ensemble/gauge/{name}.c":
                    self.assertNotRegex(text, rf'"{name}"|\bcw_format_{name}\b', path)


if __name__ == "__main__":
    program.main()
