"""What a person does with the panels is let through: sorting, filtering, pivoting, adding an expression, exporting."""

import pytest

from tests.helpers.browser import live, own_origin_page
from tests.helpers.programs import Server, copy_of_the_demo, producer

STEPS = (
    {"settings": True},  # the side bar, which asks for much more
    {"sort": [["voltage", "desc"]]},
    {"filter": [["voltage", ">", 0], ["location", "in", ["Berkeley", "Oakland"]], ["phase", "is not null", None]]},
    {"group_by": ["location"], "split_by": ["groupid"], "filter": [], "sort": []},
    {"expressions": {"half": '"voltage" / 2'}, "columns": ["half", "current"],
     "aggregates": {"half": "max", "current": "avg"}},
    {"windows": {"rolling": {"column": "current", "aggregate": "avg", "partition_by": ["location"],
                             "order_by": ["timestamp", "asc"], "rows": 5}},
     "group_by": [], "columns": ["rolling", "current"]},
    {"windows": {}, "group_by": ["location"], "columns": ["half", "current"]},
    {"plugin": "X/Y Scatter", "split_by": [], "columns": ["half", "current", None, None]},
    {"plugin": "Heatmap"},
    {"plugin": "Datagrid", "group_by": [], "columns": ["timestamp", "location", "half"]},
)


@pytest.mark.parametrize("replicate", ("true", "false"))
def test_nothing_that_a_person_does_is_refused(power_dsn, open_page, tmp_path, replicate):
    demo = copy_of_the_demo(tmp_path)
    page_file = demo / "prsp-viewer.html"
    page_file.write_text(page_file.read_text().replace("replicate: true", f"replicate: {replicate}"))
    # few rows: a table of 10 000 takes minutes, where no GPU draws its points
    with producer(tmp_path, power_dsn, "--interval-ms=1000"), \
            Server(tmp_path, power_dsn, "--table-limit=2000", cwd=demo) as server:
        page = open_page(own_origin_page(server))
        panel = live(page)[0]
        for step in STEPS:
            panel.evaluate("(viewer, step) => viewer.restore(step)", step)
            state = panel.evaluate("viewer => viewer.save()")
            same = step.keys() - {"columns", "filter", "expressions", "windows"}
            assert all(state[name] == step[name] for name in same), state
            assert panel.evaluate("viewer => viewer.getView().then(view => view.num_rows())") > 0
        with page.expect_download() as download:
            panel.evaluate("viewer => viewer.download({method: 'csv'})")
        lines = download.value.path().read_text().splitlines()
        assert len(lines) > 300 and '"half"' in lines[0]
        assert page.inner_text("#problem") == ""
        assert server.status()["refused_requests"] == 0
        assert "refused" not in server.text()
