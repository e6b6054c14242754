"""The chart admits what the program admits (U14): the same values go to helm and to the program."""

import subprocess

import pytest

from helm import ENABLED, Failure, merged, nested
from program import BINARY

ABS = "etcd-operator.backupOperator.abs"
DURATIONS = {
    "good": ["1h", "+1h", "1h30m", "1.5h", ".5h", "1.h", "1ns", "100us", "100µs", "100μs", "2562047h", " 1h ", "1h\n", "007h",
             "1h1h"],
    "bad": ["1", "1d", "h", "1h 1m", "1H", "--1h", "-1h", "1h-1m", "2562048h", "1e3s", "1_0s", "0x1h", "1hm", ".h"],
}  # fmt: skip
NAMES = {
    "good": ["a", "a-b", "a.b", "12345", "1e3", "a" * 63, ".".join(["a" * 63] * 3), "a--b"],
    "bad": ["A", "a_b", "-a", "a-", ".a", "a.", "a..b", "a.-b", "a-.b", "a" * 64, ".".join(["a" * 63] * 4), "ä", "a/b"],
}
# value: its variable, and texts that the program takes or refuses. Every one is tried on both.
CORPUS = {
    "global.etcdBackup.containerName": ("APP_ABS_CONTAINER_NAME", {
        "good": ["abc", "a-b", "123", "a" * 63, "abc/", " abc ", "abc\n", "a-b-c-d", "a" * 63 + "/"],
        "bad": ["ab", "a" * 64, "Abc", "a--b", "-abc", "abc-", "a_b", "a.b", "a/b", "abc//", "$root", "$web", "äbc", "a b"],
    }),
    "backupApp.blobPrefix": ("APP_BLOB_PREFIX", {
        "good": ["svc", "a/b", "svc/", "a b", " svc ", ".a", "a.b", "..a", "Ä/ß", "a" * 498, "a" * 498 + "/", "1e3", "a:b?c#d%41",
                 "a /", "\u0301", "\U0001f600" * 498, "-", "a\u200b"],
        "bad": ["svc.", "a./b", ".", "..", "a/..", "a/../b", "/", "//", "a//b", "/a", "a//", "a\\b", "a\x01b", "a\x7f", "a\x85b",
                "a" * 499, "a./", " a. ", " /a", "a\tb"],
    }),
    f"{ABS}.endpoint": ("APP_ABS_ENDPOINT", {
        "good": ["https://s.example.com", "HTTPS://s.example.com", "https://s.example.com/", "https://s:8443", "https://[::1]:1",
                 "https://s/store", "https://s/store/", " https://s ", "https://s_t", "https://s//", "http://127.0.0.1:10000/store",
                 "http://127.255.0.9", "http://localhost", "http://LocalHost:1/store", "http://[::1]", "http://[::1]:1/store"],
        "bad": ["s.example.com", "ftp://s", "https://", "https:///store", "https://u:p@s", "https://s?sv=1", "https://s#a",
                "https://s:0", "https://s:65536", "https://s:", "https://s:+1", "https://s:00443", "https://s t", "https://[::1",
                "https://s/a//b", "https://s/a%41", "http://s", "http://127.1", "http://127.0.0.256", "http://127.0.0.01",
                "http://127.0.0.1.example.com", "http://localhost.example.com", "http://[0::1]", "http://[::2]"],
    }),
    "etcd.endpoints": ("APP_BACKUP_ETCD_ENDPOINTS", {
        "good": [
            "https://a", "https://a:2379", "https://a/", "https://a_b.c-d", "https://[::1]:2379", "https://[::1]", " https://a ",
            "HTTPS://a", "https://a//"],
        "bad": ["a:2379", "https://", "https://a:02379", "https://a:0", "https://a:65536", "https://a:", "https://a/b", "https://u:p@a",
                "https://a:+1", "https://[]", "https://[1]", "https://a b", "https://ä", "unix://a"],
    }),
    "backupApp.configMapName": ("APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING", NAMES),
    "global.etcdBackup.secretName": ("APP_ABS_SECRET_NAME", NAMES),
    "etcd.tlsSecretName": ("APP_BACKUP_CLIENT_TLS_SECRET", NAMES),
    "etcd.credentialsSecretName": ("APP_BACKUP_ETCD_CREDENTIALS_SECRET", NAMES),
    "backupApp.timeout": ("APP_BACKUP_TIMEOUT", {
        "good": DURATIONS["good"], "bad": [*DURATIONS["bad"], "0", "0s", "-0", "0.5ns", "0.5ns0.5ns"]}),
    "backupApp.cleaner.expirationBlobTime": ("APP_CLEANER_EXPIRATION_BLOB_TIME", {
        "good": [*DURATIONS["good"], "0", "+0", "-0", "0s", "-0s"], "bad": DURATIONS["bad"]}),
    "backupApp.cleaner.historyExpiration": ("APP_CLEANER_HISTORY_EXPIRATION", {
        "good": [*DURATIONS["good"], "0"], "bad": DURATIONS["bad"]}),
    "backupApp.blockSize": ("APP_BACKUP_BLOCK_SIZE", {
        "good": ["1MiB", "16MiB", "1048576", "16777216", "1024KiB", "16384KiB", "008MiB", " 8MiB "],
        "bad": [
            "0", "1048575", "16777217", "17MiB", "1GiB", "1023KiB", "8MB", "8M", "8 MiB", "-8MiB", "8.0MiB", "1e7", "big", "MiB",
                "99999999999999999999", "99999999999999999999MiB", "8388608KiB"],
    }),
    f"{ABS}.apiVersion": ("APP_ABS_API_VERSION", {
        "good": ["2019-02-02", "2021-12-02", "2024-02-29", " 2021-12-02 "],
        "bad": ["2019-02-01", "2018-11-09", "2021-13-01", "2021-02-30", "2021-04-31", "2021-1-1", "latest", "2021-12-02Z"],
    }),
}  # fmt: skip


class Program:
    """What the program says of variables and of an environment."""

    def __init__(self):
        self.known = subprocess.run([BINARY, "--help"], capture_output=True, text=True).stdout

    def knows(self, variable):
        return variable in self.known

    def complaints(self, environment):
        """The variables that it complains of, and all it says."""
        done = subprocess.run([BINARY], env=environment, capture_output=True, text=True, timeout=60)
        said = done.stdout + done.stderr
        return {variable for variable, _ in CORPUS.values() if f"{variable}: " in said}, said


@pytest.fixture(scope="module")
def program():
    return Program()


@pytest.fixture
def environment(helm4):
    """The variables of the chart's defaults, with the namespace that the pod's field would give."""
    return plain(helm4.render())


def plain(objects):
    return {name: value if isinstance(value, str) else "kyma-system" for name, value in objects.environment.items()}


def cases():
    """Every other text of each value; all of them take long."""
    for value, (_, texts) in CORPUS.items():
        for kind in ("good", "bad"):
            yield pytest.param(value, kind, texts[kind][::2], id=f"{kind}-{value}")
            yield pytest.param(value, kind, texts[kind], id=f"{kind}-{value}-all", marks=pytest.mark.long)


@pytest.mark.parametrize("value, kind, texts", list(cases()))
def test_u14_chart_and_program_admit_the_same(helm4, program, environment, value, kind, texts):
    variable, _ = CORPUS[value]
    assert program.knows(variable)
    judged = {text: judgement(helm4, program, environment, value, text) for text in texts}
    right = (True, True) if kind == "good" else (False, False)
    assert {text: each for text, each in judged.items() if each != right} == {}, "(chart, program)"


def judgement(helm4, program, environment, value, text):
    """Whether the chart and the program take `text`."""
    variable, _ = CORPUS[value]
    given = [text] if value == "etcd.endpoints" else text
    try:
        objects = helm4.render(nested(value, given))
    except Failure as refusal:
        assert value.rpartition(".")[2] in str(refusal)
        complaints, said = program.complaints({**environment, variable: text})
        return False, variable not in complaints
    complaints, said = program.complaints(plain(objects))
    assert complaints <= {variable}, said
    return True, variable not in complaints


SIZES, BLOCKS = ["", "1MiB", "4MiB", "16MiB", "3333333"], [0, 1, 2, 7, 8, 31]
EDGES = {("", 0), ("", 7), ("", 8), ("1MiB", 31), ("4MiB", 7), ("16MiB", 1), ("16MiB", 2), ("3333333", 8)}


@pytest.mark.parametrize("size, blocks", [
    pytest.param(size, blocks, marks=() if (size, blocks) in EDGES else pytest.mark.long) for size in SIZES for blocks in BLOCKS])
def test_u14_both_admit_as_many_blocks_as_fit_into_the_memory(helm4, program, environment, blocks, size):
    changes = {"backupApp": {"blockSize": size, "blocksInFlight": blocks}}
    try:
        taken = plain(helm4.render(changes))
    except Failure as refusal:
        assert "backupApp.blocksInFlight is" in str(refusal)
        own = {"APP_BACKUP_BLOCK_SIZE": size, "APP_BACKUP_BLOCKS_IN_FLIGHT": str(blocks)}
        assert "APP_BACKUP_BLOCKS_IN_FLIGHT: " in program.complaints({**environment, **own})[1]
    else:
        assert "APP_BACKUP_BLOCKS_IN_FLIGHT: " not in program.complaints(taken)[1]


@pytest.mark.parametrize("size, is_right", [("1Mi", False), ("2Mi", True), ("1077Gi", True), ("1078Gi", False)])
def test_u14_a_spool_that_the_program_would_refuse_is_refused(helm4, program, size, is_right):
    changes = {"backupApp": {"spool": {"enabled": True, "sizeLimit": size}}}
    if is_right:
        assert "APP_BACKUP_SPOOL_LIMIT: " not in program.complaints(plain(helm4.render(changes)))[1]
    else:
        assert "backupApp.spool.sizeLimit is" in helm4.refusal(merged(ENABLED, changes))


def test_u14_names_made_of_the_name_of_etcd_are_judged_as_given_ones(helm):
    message = helm.refusal(merged(ENABLED, nested("etcd.fullname", "a" * 63)))
    assert "etcd.fullname makes" in message and "set etcd.tlsSecretName" in message
    assert helm.render({"etcd": {"fullname": "a" * 63, "tlsSecretName": "pair"}})


@pytest.mark.parametrize("endpoint", ["http://store.example.com", "http://127.0.0.1.example.com", "http://localhost.example.com"])
def test_x8_plain_http_off_loopback_wants_to_be_allowed(helm, endpoint):
    message = helm.refusal(merged(ENABLED, nested(f"{ABS}.endpoint", endpoint)))
    assert f"{ABS}.endpoint is plain http" in message and "set allowHttp beside it to true" in message
    assert helm.render(nested(ABS, {"endpoint": endpoint, "allowHttp": True}))


def test_a_tier_that_the_version_of_the_service_does_not_know_is_refused(helm):
    message = helm.refusal(merged(ENABLED, {"abs": {"accessTier": "cold", "apiVersion": "2020-10-02"}}))
    assert 'abs.accessTier is "cold", which abs.apiVersion "2020-10-02" does not know' in message
    assert helm.render({"abs": {"accessTier": "cold"}})
