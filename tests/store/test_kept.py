from harmcast.store.kept import FOLDER, keep, kept


def test_what_was_kept_comes_back_to_the_version_that_kept_it(tmp_path):
    keep(tmp_path, "a", "v1", b"one\ntwo")
    assert kept(tmp_path, "a", "v1") == b"one\ntwo"
    assert kept(tmp_path, "a", "v2") is None
    assert kept(tmp_path, "b", "v1") is None


def test_a_damaged_file_counts_as_lost(tmp_path):
    keep(tmp_path, "a", "v1", b"content")
    path = tmp_path / FOLDER / "a"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert kept(tmp_path, "a", "v1") is None
    path.write_bytes(b"")
    assert kept(tmp_path, "a", "v1") is None
