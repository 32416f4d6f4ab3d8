"""What a person does with the panels is let through: sorting, filtering, pivoting, adding an expression, exporting."""

import pytest

from tests.helpers.browser import edited_page, live, own_origin_page, served_page

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


@pytest.fixture(scope="module")
def server(tmp_path_factory, dsn):
    with served_page(tmp_path_factory.mktemp("viewers"), dsn, panels=1) as server:
        yield server


@pytest.mark.parametrize("replicate", ("true", "false"))
def test_nothing_that_a_person_does_is_refused(server, open_page, replicate):
    with edited_page(server.tree, ("replicate: true", f"replicate: {replicate}")):
        page = open_page(own_origin_page(server), width=720, height=300)
    panel, = live(page, 1)
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
