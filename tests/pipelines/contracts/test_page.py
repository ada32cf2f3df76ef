from malmoi_pipelines.contracts.ledger import Ledger
from malmoi_pipelines.contracts.page import NUM_OPEN
from malmoi_pipelines.contracts.report import Report

SVG = (
    b'<?xml version="1.0"?>\n<!DOCTYPE svg>\n'
    b'<svg><defs><path id="a"/></defs><use href="#a"/><g clip-path="url(#a)"/></svg>\n'
)


def test_everything_is_escaped_and_figures_are_for_people():
    rows = [{"<name>": "<script>alert(1)</script> & 한글", "value": 1234567, "none": None, "flag": True}]
    page = Report("x<y", facts={"a&b": 0.25}, tables={"T<1>": rows}, pictures={"C<2>": SVG}).to_html().decode()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; 한글" in page
    for shown in ("malmoi x&lt;y", "a&amp;b", "T&lt;1&gt;", "C&lt;2&gt;", "<th>&lt;name&gt;</th>"):
        assert shown in page
    assert '<td class="number">1,234,567</td><td></td><td>True</td>' in page


def test_long_tables_are_folded():
    tables = {"short": [{"n": i} for i in range(NUM_OPEN)], "long": [{"n": i} for i in range(NUM_OPEN + 1)]}
    page = Report("x", tables=tables).to_html().decode()
    assert page.count("<details>") == 1
    assert f"<summary>{NUM_OPEN + 1} rows</summary>" in page


def test_pictures_keep_to_themselves():
    page = Report("x", pictures={"one": SVG, "two": SVG}).to_html().decode()
    assert "<?xml" not in page.removeprefix("<!doctype html>")
    assert "DOCTYPE" not in page
    for number in (0, 1):
        assert f'<path id="p{number}-a"/></defs><use href="#p{number}-a"/><g clip-path="url(#p{number}-a)"/>' in page


def test_the_page_is_written_where_it_is_wanted(tmp_path):
    ledger = Ledger()
    ledger.add("web", "in", 1, 10)
    ledger.add("web", "kept", 1, 10)
    assert "report.html" not in Report("x", ledger).write(str(tmp_path / "a"))
    assert "report.html" in Report("x", ledger, with_page=True).write(str(tmp_path / "b"))
    assert not (tmp_path / "a" / "report.html").exists()
    assert "<h2>Ledger</h2>" in (tmp_path / "b" / "report.html").read_text()
