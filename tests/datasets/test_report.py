from faceprep.datasets.report import Report


def test_report_keeps_few_examples_and_every_count():
    report = Report()
    for k in range(1000):
        report.leave_out("reason", f"file{k}")
        report.note("remark", f"file{k}")
    report.leave_out("other", "bad\udcff")
    plain = report.as_dict()
    assert [(entry["reason"], entry["count"]) for entry in plain["left_out"]] == [
        ("other", 1),
        ("reason", 1000),
    ]
    assert plain["left_out"][0]["examples"] == ["bad\\xff"]
    assert plain["notes"][0]["count"] == 1000
    assert len(plain["notes"][0]["examples"]) < 10
