import json

from harmcast import errors


def test_each_error_has_an_exit_code_of_its_own_and_someone_who_acts():
    tree = errors.HarmcastError.__subclasses__()
    assert sorted(e.exit_code for e in tree) == [20, 21, 22, 23, 24, 25]
    assert all(e.who_acts and e.__name__ in (errors.__doc__ or "") for e in tree)


def test_an_error_says_where_and_what_next():
    fault = errors.Fault("date_unreadable", "crimes.csv", 17, "happened_from")
    refused = errors.FeedRefused("The delivery is refused.", code="rows", next_step="Send it again.", faults=(fault,))
    said = str(refused)
    assert "crimes.csv, row 17, column happened_from: date_unreadable" in said
    assert "Next: Send it again." in said
    assert json.loads(json.dumps(refused.document()))["faults"][0]["row"] == 17


def test_many_faults_are_counted_not_poured():
    faults = tuple(errors.Fault("r", "f.csv", n) for n in range(1000))
    assert "and 980 more" in str(errors.FeedRefused("x", faults=faults))
