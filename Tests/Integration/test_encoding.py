"""Encrypted and compressed backups: what a run stores, and what every reader makes of it, whole or damaged."""

import hashlib
import subprocess

import pyrage
import pytest

from age_keys import KeyPair, decoded, key_pair, piped
from relay import Relay
from stored import OLD, flipped, put, sha256
from world import CONTAINER, MEBIBYTE, NAMESPACE, PREFIX, World, assert_no_success_in

SECRET = "identity"
FORMS = ["age", "zstd", "both"]


@pytest.fixture
def key(tmp_path) -> KeyPair:
    return key_pair(tmp_path / "key.txt")


@pytest.fixture
def other(tmp_path) -> KeyPair:
    return key_pair(tmp_path / "other.txt")


@pytest.fixture
def folder(tmp_path):
    """Where downloads go: nothing else may ever be in it."""
    path = tmp_path / "target"
    path.mkdir()
    return path


def variables(form: str, *keys: KeyPair) -> dict[str, str]:
    chosen = {}
    if form in ("age", "both"):
        chosen["APP_BACKUP_ENCRYPTION_RECIPIENTS"] = ",".join(key.recipient for key in keys)
    if form in ("zstd", "both"):
        chosen["APP_BACKUP_COMPRESSION"] = "zstd:2"
    return chosen


@pytest.fixture
def cluster(empty_world, start_etcd):
    """A database of some 2 MB that compresses well."""
    cluster = start_etcd()
    cluster.fill(2, value_size=MEBIBYTE)
    empty_world.back_up(cluster)
    return cluster


@pytest.fixture(params=FORMS)
def form(request) -> str:
    return request.param


@pytest.fixture
def encoded(empty_world, cluster, form, key) -> World:
    """A recorded backup in each form; etcd is gone, and what is read is read in ranges of 1 MiB."""
    empty_world.env |= variables(form, key)
    empty_world.assert_success(empty_world.run())
    cluster.stop()
    empty_world.env |= {"APP_BACKUP_BLOCK_SIZE": "1MiB", "APP_BACKUP_BLOCKS_IN_FLIGHT": "3"}
    return empty_world


@pytest.fixture
def sealed(empty_world, cluster, key) -> World:
    """A recorded backup that is encrypted and compressed."""
    empty_world.env |= variables("both", key)
    empty_world.assert_success(empty_world.run())
    cluster.stop()
    return empty_world


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fact(world: World, name: str) -> str:
    return world.record[f"backup-{name}-from-last-success"]


# What a run stores


def test_a_run_stores_what_age_and_zstd_read_and_what_etcd_restores(empty_world, cluster, form, key, other):
    encoding = variables(form, key, other)
    contents = cluster.contents()
    run = empty_world.run(**encoding)
    path = empty_world.assert_success(run)
    blob, metadata = empty_world.download(path), empty_world.properties(path).metadata
    for pair in (key, other):
        snapshot = decoded(blob, encoding, pair)
        assert hashlib.sha256(snapshot[:-32]).digest() == snapshot[-32:]
    encryption = "age" if form != "zstd" else "off"
    compression = "zstd" if form != "age" else "off"
    fingerprints = f"{key.fingerprint},{other.fingerprint}" if encryption == "age" else ""
    assert metadata["sha256"] == sha256(blob) == fact(empty_world, "sha256")
    assert metadata["snapshotsha256"] == sha256(snapshot) == fact(empty_world, "snapshot-sha256")
    assert int(metadata["snapshotbytes"]) == len(snapshot) == int(fact(empty_world, "snapshot-size-bytes"))
    assert fact(empty_world, "size-bytes") == str(len(blob))
    assert metadata["encryption"] == encryption == fact(empty_world, "encryption")
    assert metadata["compression"] == compression == fact(empty_world, "compression")
    assert metadata.get("recipients", "") == fingerprints == fact(empty_world, "recipients")
    properties = empty_world.properties(path).content_settings
    assert properties.content_encoding is None and properties.content_type == "application/octet-stream"
    [stored] = [event for event in run.events if event["msg"] == "backup stored"]
    assert stored["blob.bytes"] == len(blob) and stored["snapshot.bytes"] == len(snapshot)

    file = empty_world.folder / "by-hand.db"
    file.write_bytes(snapshot)
    with cluster.restore(file, empty_world.folder / "restored") as restored:
        assert contents.differences(restored.contents()) == []


def test_compression_makes_less_of_it(world):
    """Of an empty etcd, most of whose pages are free."""
    world.assert_success(world.run(APP_BACKUP_COMPRESSION="zstd"))
    assert int(fact(world, "size-bytes")) < int(fact(world, "snapshot-size-bytes")) / 2


def test_a_run_without_them_after_one_with_them_leaves_no_word_of_them(sealed, start_etcd, key):
    cluster = start_etcd()
    sealed.back_up(cluster)
    sealed.env |= {"APP_BACKUP_ENCRYPTION_RECIPIENTS": "", "APP_BACKUP_COMPRESSION": "off"}
    path = sealed.assert_success(sealed.run())
    sealed.assert_whole(path)
    assert not {"encryption", "compression", "recipients"} & set(sealed.properties(path).metadata)
    assert (fact(sealed, "encryption"), fact(sealed, "compression"), fact(sealed, "recipients")) == ("off", "off", "")
    assert fact(sealed, "snapshot-sha256") == fact(sealed, "sha256")


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_S1_a_snapshot_that_is_not_whole_is_not_stored(empty_world, start_etcd, form, key, damage):
    cluster = start_etcd()
    cluster.fill(12, value_size=MEBIBYTE)
    empty_world.back_up(cluster)
    with Relay(cluster.first.client_port) as relay:
        if damage == "cut":
            relay.cut_at = 8 * MEBIBYTE
        else:
            relay.flip_bit_at = 8 * MEBIBYTE
        run = empty_world.run(APP_BACKUP_ETCD_ENDPOINTS=relay.url, **variables(form, key))
    empty_world.assert_nothing_happened(run, status=1)


def test_what_a_spool_holds_is_encoded_already(empty_world, start_etcd, key, tmp_path):
    """The store does not take a block while the spool is looked at."""
    spool = tmp_path / "spool"
    spool.mkdir()
    cluster = start_etcd()
    cluster.fill(30, value_size=MEBIBYTE)
    empty_world.back_up(cluster)
    empty_world.fault("PutBlock", "throttle", bytesPerSecond=1_000_000, direction="in")
    empty_world.env |= variables("age", key) | {"APP_BACKUP_SPOOL_DIRECTORY": str(spool)}
    run = empty_world.run()
    empty_world.faults([])
    path = empty_world.assert_success(run)
    snapshot = decoded(empty_world.download(path), variables("age", key), key)
    assert sha256(snapshot) == fact(empty_world, "snapshot-sha256")
    assert run.written_bytes > 0, "nothing was spooled"


# Settings


def test_a_private_key_among_the_recipients_is_refused_and_never_printed(empty_world, key, tmp_path):
    file = tmp_path / "recipients"
    file.write_text(key.text)
    for settings in ({"APP_BACKUP_ENCRYPTION_RECIPIENTS": f"{key.recipient},{key.identity}"},
                     {"APP_BACKUP_ENCRYPTION_RECIPIENTS_FILE": str(file)}):
        run = empty_world.run(APP_BACKUP_ETCD_ENDPOINTS="http://127.0.0.1:1", **settings)
        assert run.status == 78 and "private key" in run.log, run
        assert key.identity[16:] not in run.log and empty_world.requests() == [], run


def test_recipients_come_from_a_file_as_age_takes_it(empty_world, cluster, key, other, tmp_path):
    file = tmp_path / "recipients"
    file.write_text(f"# both\n\n{key.recipient}\n{other.recipient}\n")
    path = empty_world.assert_success(empty_world.run(APP_BACKUP_ENCRYPTION_RECIPIENTS_FILE=str(file)))
    assert empty_world.properties(path).metadata["recipients"] == f"{key.fingerprint},{other.fingerprint}"


def test_check_says_for_whom_and_that_the_identity_must_be_kept_elsewhere(empty_world, cluster, key):
    empty_world.allow({"secrets": ["get"], "configmaps": ["get", "patch", "create"]})
    run = empty_world.run("check", APP_BACKUP_ENCRYPTION_RECIPIENTS=key.recipient)
    assert run.status == 0 and key.fingerprint in run.text and "outside" in run.text, run.text
    run = empty_world.run("check", APP_BACKUP_IDENTITY_SECRET=SECRET)
    assert "APP_BACKUP_IDENTITY_SECRET" in run.text and "warn" in run.text, run.text


# Reading it back


def test_verify_and_download_decode_what_was_stored(encoded, folder, form, key):
    snapshot = decoded(encoded.download(encoded.recorded_path), variables(form, key), key)
    identity = [] if form == "zstd" else ["--identity", str(key.file)]
    run = encoded.run("verify", "--record", "--output", "json", *identity)
    assert run.status == 0, run
    [row] = run.json["backups"]
    assert row["whole"] and row["sha256"] == fact(encoded, "sha256"), run.json
    assert row["snapshotSha256"] == sha256(snapshot) and row["snapshotBytes"] == len(snapshot), run.json
    assert encoded.record["backup-last-verified-path"] == encoded.recorded_path

    run = encoded.run("download", "--file", str(folder / "backup.db"), "--output", "json", *identity)
    assert run.status == 0 and names(folder) == ["backup.db"], run
    assert (folder / "backup.db").read_bytes() == snapshot and run.json["sha256"] == sha256(snapshot)
    run = encoded.run("download", "--file", "-", *identity)
    assert run.status == 0 and run.output == snapshot


def test_raw_gives_the_stored_bytes_with_and_without_an_identity(encoded, folder, form, key):
    blob = encoded.download(encoded.recorded_path)
    for number, identity in enumerate([[], ["--identity", str(key.file)]]):
        run = encoded.run("download", "--raw", "--file", str(folder / f"{number}.age"), "--output", "json", *identity)
        assert run.status == 0 and (folder / f"{number}.age").read_bytes() == blob, run
        assert run.json["sha256"] == sha256(blob) and run.json["bytes"] == len(blob)
        is_decrypted = form == "zstd" or identity
        assert run.json["pages"] == ("sound" if is_decrypted else "not-decrypted")
    assert encoded.run("download", "--raw", "--file", "-").output == blob


def test_inspect_reads_what_raw_gave(encoded, folder, form, key):
    file = str(folder / "raw")
    encoded.run("download", "--raw", "--file", file)
    run = encoded.run("inspect", file, "--identity", str(key.file), "--output", "json")
    assert run.status == 0 and run.json["sha256"] == "right" and "liveKeys" not in run.json, run
    if form != "zstd":
        run = encoded.run("inspect", file, "--output", "json")
        assert run.status == 1 and "--identity" in run.json["hint"], run


def test_list_shows_under_which_recipients_each_is(encoded, form, key):
    [row] = encoded.run("list", "--output", "json").json["backups"]
    assert row.get("recipients") == (None if form == "zstd" else [key.fingerprint])
    assert row.get("compression") == (None if form == "age" else "zstd")
    table = encoded.run("list").text
    assert "ENCODING" in table and ("zstd" in table) == (form != "age") and (key.fingerprint in table) == (form != "zstd")


def test_retention_takes_it_for_a_backup(encoded):
    run = encoded.run("list", "--output", "json")
    [row] = run.json["backups"]
    assert row["retention"] == "kept", row


@pytest.mark.parametrize("place", ["secret", "folder", "file among others"])
def test_the_identity_is_found_wherever_it_is(sealed, key, other, tmp_path, place):
    arguments, env = [], {}
    if place == "secret":
        sealed.sandbox.put_secret(NAMESPACE, SECRET, {"old": other.text, "new": key.text})
        env["APP_BACKUP_IDENTITY_SECRET"] = SECRET
    elif place == "folder":
        path = tmp_path / "identities"
        (path / "..data").mkdir(parents=True)
        (path / "..data" / "key.txt").write_text(key.text)
        (path / "key.txt").symlink_to("..data/key.txt")
        (path / "other.txt").write_text(other.text)
        env["APP_BACKUP_IDENTITY_DIRECTORY"] = str(path)
    else:
        arguments = ["--identity", str(other.file), "--identity", str(key.file)]
    run = sealed.run("verify", *arguments, **env)
    assert run.status == 0, run


def test_without_an_identity_verify_says_how_far_it_got(sealed, key):
    run = sealed.run("verify", "--output", "json")
    assert run.status == 3, run
    [row] = run.json["backups"]
    assert row["whole"] is False and row["undecrypted"] is True and run.json["undecrypted"] == 1
    assert row["sha256"] == fact(sealed, "sha256") and key.fingerprint in row["error"] and "--identity" in row["hint"]
    assert sealed.run("verify").text.startswith("STORED  ")
    assert sealed.run("verify", "--output", "name").text == ""
    run = sealed.run("verify", "--record")
    assert run.status == 3 and "backup-last-verified-path" not in sealed.record, run


def test_another_identity_verifies_no_database_and_downloads_nothing(sealed, folder, other):
    identity = ["--identity", str(other.file)]
    run = sealed.run("verify", *identity)
    assert run.status == 3 and "no identity matches" in run.text and "whole  " not in run.text, run
    for arguments in (identity, []):
        run = sealed.run("download", "--file", str(folder / "backup.db"), *arguments)
        assert run.status == 78 and names(folder) == [] and "encrypted" in run.log, run
        run = sealed.run("download", "--file", "-", *arguments)
        assert run.status == 78 and run.output == b"", run


def test_backups_under_an_old_recipient_are_told_apart(sealed, start_etcd, key, other):
    """Rotation: the new identity alone leaves the older one undecrypted, both together verify all."""
    cluster = start_etcd()
    sealed.back_up(cluster)
    sealed.assert_success(sealed.run(APP_BACKUP_ENCRYPTION_RECIPIENTS=other.recipient))
    run = sealed.run("verify", "--all", "--output", "json", "--identity", str(other.file))
    assert run.status == 3 and [row["whole"] for row in run.json["backups"]] == [True, False], run
    both = ["--identity", str(other.file), "--identity", str(key.file)]
    assert sealed.run("verify", "--all", *both).status == 0


def test_an_identity_given_in_place_of_a_file_is_not_repeated(sealed, key):
    run = sealed.run("verify", "--identity", key.identity)
    assert run.status == 64 and key.identity[16:] not in run.log and sealed.requests() == [], run


@pytest.mark.parametrize("fault", ["missing", "recipient", "empty"])
def test_an_identity_that_cannot_be_used_is_78(sealed, key, tmp_path, fault):
    file = tmp_path / "identity"
    if fault != "missing":
        file.write_text(key.recipient if fault == "recipient" else "# nothing\n")
    run = sealed.run("verify", "--identity", str(file))
    assert run.status == 78 and str(file) in run.log, run


# Damage


def damaged(blob: bytes, kind: str) -> bytes:
    middle = len(blob) // 2
    return {
        "a bit of the header": flipped(blob, 30),
        "a bit of the middle": flipped(blob, middle),
        "a bit of the end": flipped(blob, len(blob) - 1),
        "cut in the middle": blob[:middle],
        "cut by one byte": blob[:-1],
        "one byte more": blob + b"\0",
        "twice": blob + blob,
        "only the header": blob[:200],
    }[kind]


DAMAGES = ["a bit of the header", "a bit of the middle", "a bit of the end", "cut in the middle", "cut by one byte",
           "one byte more", "twice", "only the header"]


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_blob_is_an_error_and_leaves_no_file(encoded, folder, key, kind):
    """Without the SHA-256 in the metadata: what is encoded must show it by itself."""
    blob = damaged(encoded.download(encoded.recorded_path), kind)
    path = put(encoded, blob)
    identity = ["--identity", str(key.file)]
    run = encoded.run("verify", path, *identity)
    assert run.status == 1 and "FAILED" in run.text, run
    assert_no_success_in(run)
    run = encoded.run("download", path, "--file", str(folder / "backup.db"), *identity)
    assert run.status in (1, 78) and names(folder) == [], run
    put(encoded, blob, sha256=sha256(damaged(blob, "a bit of the end")))
    run = encoded.run("verify", path)
    assert run.status == 1, run


def test_the_snapshot_within_is_verified_although_frame_and_chunks_are_whole(encoded, folder, form, key):
    """Encoded by the programs themselves: a broken trailer, and another whole snapshot than the metadata say."""
    snapshot = decoded(encoded.download(encoded.recorded_path), variables(form, key), key)
    blob = flipped(snapshot, len(snapshot) - 1)
    if form != "age":
        blob = piped(["zstd"], blob)
    if form != "zstd":
        blob = piped(["age", "-r", key.recipient], blob)
    path = put(encoded, blob, sha256=sha256(blob))
    identity = ["--identity", str(key.file)]
    run = encoded.run("verify", path, *identity)
    assert run.status == 1 and "SHA-256" in run.text, run
    assert encoded.run("download", path, "--file", str(folder / "x"), *identity).status == 1 and names(folder) == []


def test_what_the_programs_encoded_is_read_without_any_metadata(encoded, form, key):
    snapshot = decoded(encoded.download(encoded.recorded_path), variables(form, key), key)
    blob = piped(["zstd", "-19", "--long=20"], snapshot) if form != "age" else snapshot
    if form != "zstd":
        blob = piped(["age", "-r", key.recipient], blob)
    run = encoded.run("verify", put(encoded, blob), "--identity", str(key.file))
    assert run.status == 0 and sha256(blob) in run.text, run


# pyrage, which shares no code with age or with us


def test_pyrage_decrypts_ours_and_we_decrypt_pyrages(empty_world, cluster, key):
    path = empty_world.assert_success(empty_world.run(APP_BACKUP_ENCRYPTION_RECIPIENTS=key.recipient))
    identity = pyrage.x25519.Identity.from_str(key.identity)
    snapshot = pyrage.decrypt(empty_world.download(path), [identity])
    assert sha256(snapshot) == fact(empty_world, "snapshot-sha256")
    theirs = pyrage.encrypt(snapshot, [pyrage.x25519.Recipient.from_str(key.recipient)])
    put(empty_world, theirs, sha256=sha256(theirs))
    run = empty_world.run("verify", f"{CONTAINER}/{PREFIX}/{OLD}", "--identity", str(key.file))
    assert run.status == 0, run


def test_age_refuses_a_backup_without_its_identity(sealed, other):
    done = subprocess.run(
        ["age", "-d", "-i", other.file], input=sealed.download(sealed.recorded_path), capture_output=True, check=False)
    assert done.returncode != 0 and done.stdout == b""
