"""Of the access file only what holds still is taken for changed, and each change once."""

from pathlib import Path

from gateway.app.access_watch import PATIENCE, AccessWatch

ONE, TWO = b"controllers: [{name: acme}]\n", b"controllers: [{name: other}]\n"


def test_a_change_counts_once_it_was_seen_twice(tmp_path: Path) -> None:
    file, other = tmp_path / "access.yaml", tmp_path / "other.yaml"
    for path in (file, other):
        path.write_bytes(ONE)
    watch = AccessWatch(file)
    other.replace(file)
    assert [watch.look() for _ in range(3)] == [None] * 3
    file.write_bytes(TWO[:20])
    assert watch.look() is None
    file.write_bytes(TWO)
    assert [watch.look() for _ in range(4)] == [None, TWO, None, None]
    file.write_bytes(ONE)
    assert watch.look() is None
    file.write_bytes(TWO)
    assert [watch.look() for _ in range(3)] == [None] * 3


def test_a_file_may_be_gone_or_empty_for_a_moment(tmp_path: Path) -> None:
    file = tmp_path / "access.yaml"
    file.write_bytes(ONE)
    watch = AccessWatch(file)
    for away in (file.unlink, lambda: file.write_bytes(b" \n")):
        away()
        assert [watch.look() for _ in range(PATIENCE - 1)] == [None] * (PATIENCE - 1)
        file.write_bytes(ONE)
        assert watch.look() is None
    file.unlink()
    assert [watch.look() for _ in range(PATIENCE + 2)] == [None] * (PATIENCE - 1) + [b"", None, None]
    file.write_bytes(ONE)
    assert [watch.look() for _ in range(3)] == [None, ONE, None]


def test_a_file_that_never_holds_still_counts_now_and_then(tmp_path: Path) -> None:
    file = tmp_path / "access.yaml"
    file.write_bytes(ONE)
    watch, taken = AccessWatch(file), 0
    for n in range(10 * PATIENCE):
        file.write_bytes(b"# %d\n" % n)
        taken += watch.look() is not None
    assert taken == 10


def test_a_folder_that_is_swapped_behind_a_link(tmp_path: Path) -> None:
    """As a kubelet swaps a Secret."""
    for name, octets in (("one", ONE), ("two", TWO), ("three", TWO)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "access.yaml").write_bytes(octets)
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "access.yaml").symlink_to("..data/access.yaml")
    watch = AccessWatch(tmp_path / "access.yaml")
    for name, said in (("two", [None, TWO]), ("three", [None, None])):
        (tmp_path / "..fresh").symlink_to(name)
        (tmp_path / "..fresh").replace(tmp_path / "..data")
        assert [watch.look(), watch.look()] == said
