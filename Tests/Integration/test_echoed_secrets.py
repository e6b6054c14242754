"""A server, a proxy or a library may repeat a secret, in whichever spelling: none of it is shown."""

import base64
import html
import http.server
import json
import threading
import urllib.parse
from pathlib import Path

import pytest

from processes import free_port
from world import NAMESPACE, PREFIX

TOKEN = 'tok/en+of=the&job-"8c1f"'
PASSWORD = 'pass/wo+rd="<&of>" etcd\\9d'


def divided(text: str) -> str:
    return "\n".join(text[start:start + 5] for start in range(0, len(text), 5))


SPELLINGS = {
    "as it is": lambda text: text,
    "as JSON": lambda text: json.dumps(text)[1:-1],
    "as JSON of Go": lambda text: json.dumps(text)[1:-1].replace("<", "\\u003c").replace(">", "\\u003e")
    .replace("&", "\\u0026"),
    "as JSON of .NET": lambda text: "".join(c if c.isalnum() else f"\\u{ord(c):04X}" for c in text),
    "as JSON within JSON": lambda text: json.dumps(json.dumps(text))[1:-1],
    "percent-encoded": lambda text: urllib.parse.quote(text, safe=""),
    "percent-encoded in lower case": lambda text: "".join(c if c.isalnum() else f"%{ord(c):02x}" for c in text),
    "as XML": html.escape,
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in base64 behind one byte": lambda text: base64.b64encode(f":{text}:".encode()).decode(),
    "in base64 behind two bytes": lambda text: base64.b64encode(f"u:{text}".encode()).decode(),
    "in base64 of URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "divided": divided,
    "in base64 and divided": lambda text: divided(base64.b64encode(text.encode()).decode()),
}
spelled = pytest.mark.parametrize("spelling", SPELLINGS, ids=lambda name: name.replace(" ", "-"))


def assert_shown_without(secret: str, spelling: str, *texts: str) -> None:
    """No piece of five characters of what the server said is left."""
    written = SPELLINGS[spelling](secret)
    assert any("<redacted>" in text for text in texts), texts
    pieces = {piece for line in written.splitlines() for piece in
              [line[start:start + 5] for start in range(max(1, len(line) - 4))]
              if sum(character.isalnum() for character in piece) >= 3}
    for text in texts:
        # JSON doubles the backslashes of what it quotes.
        plain = text.replace("\\\\", "\\").replace("\\\\", "\\")
        left = [piece for piece in pieces if piece in text or piece in plain]
        assert not left, f"{left} of {written!r} in {text}"


def run(world, *arguments: str):
    """All that a run shows: its log, its output, its termination message."""
    message = world.folder / "termination-log"
    message.write_text("")
    run = world.run(*arguments, APP_TERMINATION_MESSAGE_PATH=str(message))
    assert run.status in (1, 78), run
    return run, [run.log + run.text, *([message.read_text()] if "check" not in arguments else [])]


@pytest.mark.sampled(3)
@spelled
@pytest.mark.parametrize("arguments", [[], ["check"]], ids=["backup", "check"])
def test_X3_a_token_that_the_API_server_repeats_is_redacted(world, arguments, spelling):
    world.allow(token=TOKEN)
    world.env["APP_KUBECONFIG_PATH"] = world.sandbox.kubeconfig(
        world.folder / "other", token=TOKEN, namespace=NAMESPACE)
    world.fault(
        "GetSecret", "status", service="kubernetes", status=400,
        message=f"bad request: Authorization: Bearer {SPELLINGS[spelling](TOKEN)} is not it")
    _, shown = run(world, *arguments)
    assert_shown_without(TOKEN, spelling, *shown)


@pytest.mark.sampled(3)
@spelled
@pytest.mark.parametrize("arguments", [[], ["list"], ["check"]], ids=["backup", "list", "check"])
def test_X3_an_account_key_that_the_store_repeats_is_redacted(world, arguments, spelling):
    key = world.sandbox.account_key
    world.fault(
        "ListBlobs", "status", status=400, code="InvalidInput", message=f"no key is {SPELLINGS[spelling](key)}")
    _, shown = run(world, *arguments)
    assert_shown_without(key, spelling, *shown)


class Echo(http.server.ThreadingHTTPServer):
    """Answers every request with an error that quotes what was sent."""

    def __init__(self, spell):
        super().__init__(("127.0.0.1", 0), EchoHandler)
        self.spell = spell
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class EchoHandler(http.server.BaseHTTPRequestHandler):
    server: Echo
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if self.path.endswith("status"):
            answer, status = {"error": "etcdserver: user name is empty", "code": 3,
                              "message": "etcdserver: user name is empty"}, 400
        else:
            said = f"no user has {self.server.spell(body.get('password', ''))}"
            answer, status = {"error": said, "code": 3, "message": said}, 400
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST


@spelled
def test_X3_a_password_that_etcd_repeats_is_redacted(empty_world, spelling):
    echo = Echo(SPELLINGS[spelling])
    try:
        empty_world.use_credentials("root", PASSWORD)
        empty_world.env |= {"APP_BACKUP_ETCD_ENDPOINTS": echo.url, "APP_BACKUP_ETCD_TRANSPORT": "gateway",
                            "APP_BACKUP_TIMEOUT": "5s"}
        _, shown = run(empty_world)
        assert_shown_without(PASSWORD, spelling, *shown)
    finally:
        echo.shutdown()
        echo.server_close()


# K3: Proxies

PROXIES = {
    "slash in the password": "http://user:s/cret-Passw0rd@127.0.0.1:3128",
    "unknown scheme": "ftp://user:s-cret-Passw0rd@127.0.0.1:3128",
    "port out of range": "http://user:s-cret-Passw0rd@127.0.0.1:99999",
    "port that is a word": "http://user:s-cret-Passw0rd@127.0.0.1:port",
    "bracket": "http://user:s-cret-Passw0rd@[::1",
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("arguments", [[], ["check"]], ids=["backup", "check"])
@pytest.mark.parametrize("proxy", PROXIES.values(), ids=PROXIES)
@pytest.mark.parametrize("whose", ["store", "kubeconfig"])
def test_K3_an_unusable_proxy_is_78_at_once_and_its_password_is_not_shown(world, arguments, proxy, whose):
    if whose == "store":
        world.env["http_proxy"] = proxy
    else:
        file = world.folder / "with-proxy"
        config = json.loads(Path(world.env["APP_KUBECONFIG_PATH"]).read_text(encoding="utf-8"))
        config["clusters"][0]["cluster"]["proxy-url"] = proxy
        file.write_text(json.dumps(config))
        world.env["APP_KUBECONFIG_PATH"] = str(file)
    ended, shown = run(world, *arguments)
    assert ended.status == 78 and "tried again" not in ended.log, ended
    for text in shown:
        assert "Passw0rd" not in text and "s/cret" not in text, text
    assert "proxy" in ended.log + ended.text, ended


def test_K3_the_password_of_a_proxy_that_is_down_is_not_shown(world):
    world.env["http_proxy"] = f"http://user:s-cret-Passw0rd@127.0.0.1:{free_port()}"
    world.env["APP_BACKUP_TIMEOUT"] = "3s"
    ended, shown = run(world)
    assert ended.status == 1, ended
    assert all("Passw0rd" not in text for text in shown), shown
    assert world.blob_names == [] and PREFIX not in ended.text
