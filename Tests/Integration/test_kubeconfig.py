"""Y1: a kubeconfig is read as kubectl reads it, or refused with words that name what is odd about it.

The real kubectl judges: both are pointed at one server, and what they send there is compared. Where kubectl sends
nothing, the program must not either.
"""

import base64
import http.server
import json
import re
import shutil
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from certificates import Authority
from processes import CLEAN_ENVIRONMENT
from program import Program

KUBECTL = shutil.which("kubectl")
REFUSAL = json.dumps({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403,
                      "message": "nobody may do this"}).encode()


class Server:
    """Refuses everything, and remembers who asked for what."""

    def __init__(self, folder: Path):
        authority = Authority("kubeconfig test CA")
        authority.server(hosts=()).write(folder, "server")
        self.ca = authority.certificate
        self.seen: list[tuple[str, list]] = []
        seen = self.seen

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                who = sorted((name.lower(), value) for name, value in self.headers.items()
                             if name.lower() == "authorization" or name.lower().startswith("impersonate"))
                seen.append((re.split("/(?:api/|version)", self.path)[0], who))
                self.send_response(403)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(REFUSAL)))
                self.end_headers()
                self.wfile.write(REFUSAL)

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.crt", folder / "server.key")
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        # A client that does not trust us hangs up.
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def stop(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


def config(*, user="token: s3cret", cluster="", context="", top="", current="prod", server="{server}",
           context_name="prod", user_name="admin", user_reference="admin") -> str:
    """A kubeconfig in which one thing may be odd."""
    return f"""apiVersion: v1
kind: Config
{top}
current-context: {current}
contexts:
- name: {context_name}
  context:
    cluster: c1
    user: {user_reference}
    {context}
clusters:
- name: c1
  cluster:
    server: {server}
    certificate-authority-data: {{ca}}
    {cluster}
users:
- name: {user_name}
  user:
    {user}
"""


def without_ca(text: str) -> str:
    return text.replace("    certificate-authority-data: {ca}\n", "")


JSON = ('{{"apiVersion":"v1","kind":"Config","current-context":"prod",'
        '"contexts":[{{"name":"prod","context":{{"cluster":"c1","user":"admin"}}}}],'
        '"clusters":[{{"name":"c1","cluster":{{"server":"{server}","certificate-authority-data":"{ca}"}}}}],'
        '"users":[{{"name":"admin","user":{{{user}}}}}]}}')


def json_config(user: str = '"token":"s3cret"') -> str:
    return JSON.replace("{user}", user).replace("{{", "{").replace("}}", "}")


EXEC = "{apiVersion: client.authentication.k8s.io/v1beta1, command: pki/plugin, interactiveMode: Never}"
# Puts what it was given into the token.
PLUGIN = r'''#!/bin/sh
given=$({ printf '%s|' "$@" "$EXTRA"; echo "$KUBERNETES_EXEC_INFO" | grep -o '"config":{[^}]*}'; } | tr -cd 'a-z0-9|')
printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","status":{"token":"%s"}}' "p$given"
'''

CASES: dict[str, Any] = {
    "plain": config(),
    "JSON": json_config(),
    "JSON with a key twice": json_config('"token":"one","token":"two"'),
    "JSON with a comma too many": json_config().replace('"kind":"Config",', '"kind":"Config",,'),
    "JSON with an escape": json_config('"token":"s3\\u0063ret"'),
    "JSON with a tab": "\t" + json_config(),
    # Bytes
    "a BOM": "\ufeff" + config(),
    "a BOM before JSON": "\ufeff" + json_config(),
    "CRLF": config().replace("\n", "\r\n"),
    "CR": config().replace("\n", "\r"),
    "tabs as indentation": config().replace("    token", "\ttoken"),
    "a tab behind a colon": config(user="token:\ts3cret"),
    "a tab before a comment": config(user="token: s3cret\t# comment"),
    "no newline at the end": config().rstrip("\n"),
    "UTF-16": config().encode("utf-16"),
    "bytes that are no UTF-8": config(user="token: s3\udcffcret").encode(errors="surrogateescape"),
    "a NUL": config() + "\0",
    "a name beyond ASCII": config(current="prød", context_name="prød"),
    "a line separator": config(user="token: s3cret\u2028x"),
    # Documents
    "a document's beginning": "---\n" + config(),
    "a document's end": config() + "...\n",
    "a second document": config() + "---\n" + config(user="token: other"),
    "an empty document first": "---\n---\n" + config(),
    "a directive": "%YAML 1.1\n---\n" + config(),
    "a newer version of YAML": "%YAML 1.2\n---\n" + config(),
    "rubbish behind a document's end": config() + "...\nrubbish: [\n",
    # Anchors, aliases, merges, tags
    "an anchor": config(user="token: &t s3cret\n    tokenFile: ''\n- name: other\n  user: {{token: *t}}".replace(
        "{{", "{").replace("}}", "}")),
    "an alias": config(top="x-user: &u {token: s3cret}", user="").replace("  user:\n    \n", "  user: *u\n"),
    "an alias of nothing": config(user="token: *nothing"),
    "an alias as name": config(current="&c prod", context_name="*c").replace("*c\n", "*c \n"),
    "an anchor twice": config(top="a: &t one\nb: &t s3cret", user="token: *t"),
    "a merge": config(top="x: &x {token: s3cret}", user="<<: *x"),
    "a merge with impersonation": config(top="x: &x {as: root}", user="<<: *x\n    token: s3cret"),
    "a merge of a list": config(top="x: &x {token: s3cret}", user="<<: [*x]"),
    "a merge of a text": config(user="<<: text\n    token: s3cret"),
    "a merge in quotes": config(user='"<<": {as: root}\n    token: s3cret'),
    "a merge by tag": config(top="x: &x {as: root}", user="!!merge m: *x\n    token: s3cret"),
    "binary": config(user="token: !!binary czNjcmV0"),
    "a tagged text": config(user="token: !!str 123"),
    "a tagged number": config(user='token: !!int "123"'),
    "a tag of one's own": config(user="token: !mine s3cret"),
    "an unknown tag": config(user="token: !!mine s3cret"),
    "a tag that says not plain": config(user="token: ! 123"),
    "a tag on a mapping": config(top="x: !!set {a, b}"),
    "a tagged null": config(user="token: s3cret\n    as: !!null ''"),
    # Keys
    "a key twice": config(user="token: one\n    token: two"),
    "a key twice at the top": config(top="current-context: prod"),
    "a key twice, once in quotes": config(user="token: one\n    \"token\": two"),
    "a key twice where nobody looks": config(top="x: {a: 1, a: 2}"),
    "keys in another case": config(user="Token: s3cret"),
    "impersonation in another case": config(user="token: s3cret\n    As: root"),
    "a key that is a number": config(top="1: one"),
    "numbers that are one key": config(top="x: {1: a, 0x1: b}"),
    "a key that is a list": config(top="? [a]\n: b"),
    "a key that is null": config(top="~: x"),
    "a key that is a boolean": config(top="yes: x"),
    "an explicit key": config(user="? token\n    : s3cret"),
    "an unknown field": config(user="token: s3cret\n    future: true"),
    # Values
    "a number as token": config(user="token: 12345"),
    "an octal number as token": config(user="token: 0123"),
    "a float as token": config(user="token: 1e3"),
    "a number with underscores": config(user="token: 1_000"),
    "infinity as token": config(user="token: .inf"),
    "a boolean as token": config(user="token: true"),
    "yes as token": config(user="token: yes"),
    "y as token": config(user="token: y"),
    "a date as token": config(user="token: 2026-01-01"),
    "a sexagesimal as token": config(user="token: 1:30"),
    "hex as token": config(user="token: 0xdeadbeef"),
    "binary digits as token": config(user="token: 0b101"),
    "a digest as token": config(user="token: 12e45678901234567890"),
    "null as token": config(user="token: null"),
    "a tilde as token": config(user="token: ~"),
    "nothing as token": config(user="token:"),
    "an empty token": config(user='token: ""'),
    "a quoted number": config(user="token: '12345'"),
    "an escaped token": config(user=r'token: "s3\x63ret"'),
    "a folded token": config(user="token: >-\n      s3cret"),
    "a token in a block": config(user="token: |\n      s3cret"),
    "a token in a block without its end": config(user="token: |-\n      s3cret"),
    "a token in two lines": config(user="token: s3\n      cret"),
    "a token with blanks": config(user='token: " s3cret "'),
    "a list as token": config(user="token: [s3cret]"),
    "a comment in a value": config(user="token: s3cret#x"),
    "a comment behind a value": config(user="token: s3cret #x"),
    "a number as name": config(current="1", context_name="1"),
    "a quoted number as name": config(current='"1"', context_name='"1"'),
    "a boolean as name": config(current="on", context_name="on"),
    "null as context": config(current="~"),
    "no context": config(current='""'),
    "a context in another case": config(current="PROD"),
    "a context that is not there": config(current="other"),
    # Verification
    **{f"insecure-skip-tls-verify: {value}": without_ca(config(cluster=f"insecure-skip-tls-verify: {value}"))
       for value in ("true", "True", "yes", "on", "y", "false", "no", "n", "~", '"true"', "1", "TRUE", "tRUE", "[]")},
    "no authority": without_ca(config()),
    "verification on and off": config(cluster="insecure-skip-tls-verify: true"),
    "an authority by relative path": without_ca(config(cluster="certificate-authority: pki/ca.crt")),
    "an authority by a path with dots": without_ca(config(cluster="certificate-authority: pki/../pki/ca.crt")),
    "an authority by a path of home": without_ca(config(cluster="certificate-authority: ~/ca.crt")),
    "an authority by file and data": config(cluster="certificate-authority: none.crt"),
    "an authority in folded base64": config().replace("{ca}", ">-\n      {folded}"),
    "an authority in literal base64": config().replace("{ca}", "|\n      {folded}"),
    "an authority in base64url": config().replace("{ca}", "{ca_url}"),
    "an authority that is no base64": config().replace("{ca}", "'***'"),
    "an empty authority": config().replace("{ca}", '""'),
    "a server name": config(cluster="tls-server-name: localhost"),
    "a wrong server name": config(cluster="tls-server-name: other.example"),
    "a token by relative path": config(user="tokenFile: pki/token"),
    "a token and a token's file": config(user="token: other\n    tokenFile: pki/token"),
    "a token's file that is not there": config(user="tokenFile: none"),
    "a token and a file that is not there": config(user="token: s3cret\n    tokenFile: none"),
    # Servers
    "a server with a path": config(server="{server}/k8s/clusters/c-1"),
    "a server with a slash": config(server="{server}/"),
    "a server with a path and a slash": config(server="{server}/k8s/"),
    "a server with an escaped path": config(server="{server}/a%20b"),
    "a server with a query": config(server="{server}?a=b"),
    "a server with a fragment": config(server="'{server}#a'"),
    "a server without a scheme": config(server="{hostport}"),
    "a server in capitals": config(server="HTTPS://{hostport}"),
    "a server with blanks": config(server="' {server} '"),
    "an empty server": config(server='""'),
    # Users
    "no user": config(user_reference='""'),
    "a user that is not there": config(user_reference="other"),
    "a user twice": config(user="token: one\n- name: admin\n  user: {{token: two}}".replace("{{", "{").replace(
        "}}", "}")),
    "a context twice": config(context="namespace: a\n- name: prod\n  context: {cluster: c1, user: other}"),
    "an empty user": config(user="{}"),
    "a user that is null": config(user="").replace("  user:\n    \n", "  user: ~\n"),
    "users that are null": config().replace("users:\n- name: admin\n  user:\n    token: s3cret\n", "users: ~\n"),
    "users that are a mapping": config().replace(
        "users:\n- name: admin\n  user:\n    token: s3cret\n", "users: {admin: {token: s3cret}}\n"),
    "impersonation": config(user="token: s3cret\n    as: root"),
    "impersonation of a number": config(user="token: s3cret\n    as: 1"),
    "impersonation of nobody": config(user="token: s3cret\n    as: ''"),
    "impersonated groups": config(user="token: s3cret\n    as: a\n    as-groups: [b]"),
    "no impersonated groups": config(user="token: s3cret\n    as-groups: []"),
    "impersonated groups alone": config(user="token: s3cret\n    as-groups: [b]"),
    "a password": config(user="username: a\n    password: b"),
    "a password and a token": config(user="token: s3cret\n    username: a\n    password: b"),
    "a program": config(user="exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: /bin/false}"),
    "a program that prints a token": config(user="exec: " + EXEC),
    "a program by a path with dots": config(user="exec: " + EXEC.replace("pki/plugin", "./pki/../pki/plugin")),
    "a program with arguments and variables": config(
        user="exec: " + EXEC.replace("}", ", args: [one, 'two words'], env: [{name: EXTRA, value: three}]}")),
    "a program with a number as argument": config(user="exec: " + EXEC.replace("}", ", args: [1]}")),
    "a program without a name": config(user="exec: " + EXEC.replace("command: pki/plugin, ", "")),
    "a program of another version": config(user="exec: " + EXEC.replace("v1beta1", "v2")),
    "a program that is not there": config(user="exec: " + EXEC.replace("pki/plugin", "pki/none")),
    "a program beside a token": config(user="token: s3cret\n    exec: " + EXEC),
    "a program beside a token's file": config(user="tokenFile: pki/token\n    exec: " + EXEC),
    "a program and an auth-provider": config(user="auth-provider: {name: nobody}\n    exec: " + EXEC),
    "a program that asks for the cluster": config(
        user="exec: " + EXEC.replace("}", ", provideClusterInfo: true}"),
        cluster="extensions: [{name: client.authentication.k8s.io/exec, extension: {a: [1, true, b]}}]"),
    "no program": config(user="token: s3cret\n    exec: ~"),
    "an auth-provider": config(user="auth-provider: {name: nobody}"),
    # Heads
    "no kind": config().replace("kind: Config\n", ""),
    "another kind": config().replace("kind: Config\n", "kind: Secret\n"),
    "no version": config().replace("apiVersion: v1\n", ""),
    "another version": config().replace("apiVersion: v1\n", "apiVersion: v2\n"),
    "a version that is a number": config().replace("apiVersion: v1\n", "apiVersion: 1\n"),
    "extensions": config(top="extensions: [{name: a, extension: {b: c}}]\npreferences: {colors: true}"),
    "preferences of another type": config(top="preferences: []"),
    "an unknown field at the top": config(top="future: [1, 2]"),
    "nothing": "",
    "a comment": "# nothing\n",
    "a list": "- a\n",
    "a text": "text\n",
}

@pytest.mark.parametrize("name", CASES)
def test_Y1_a_kubeconfig_is_read_as_kubectl_reads_it_or_refused(server, tmp_path, name):
    assert KUBECTL, "kubectl is missing: run .ci/install-tools"
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki" / "ca.crt").write_text(server.ca)
    (tmp_path / "pki" / "token").write_text("from-file\n")
    (tmp_path / "pki" / "plugin").write_text(PLUGIN)
    (tmp_path / "pki" / "plugin").chmod(0o755)
    encoded = base64.b64encode(server.ca.encode()).decode()
    values = {
        "{server}": server.url, "{hostport}": server.url.removeprefix("https://"), "{ca}": encoded,
        "{folded}": "\n      ".join(encoded[at:at + 64] for at in range(0, len(encoded), 64)),
        "{ca_url}": base64.urlsafe_b64encode((server.ca + "???").encode()).decode()}
    content = CASES[name]
    if isinstance(content, str):
        content = content.encode()
    for key, value in values.items():
        content = content.replace(key.encode(), value.encode())
    if name == "UTF-16":
        text = CASES[name].decode("utf-16")
        for key, value in values.items():
            text = text.replace(key, value)
        content = text.encode("utf-16")
    path = tmp_path / "config"
    path.write_bytes(content)

    theirs, their_words = _kubectl(server, path)
    ours, run = _program(server, path, tmp_path)
    print(f"kubectl: {theirs} {their_words}\netcd-backup: {ours} {run}")
    assert run.status == (1 if name == "a program" else 78), run
    if ours is None:
        assert "kubeconfig" in run.log or "certificate" in run.log or "APP_KUBECONFIG_PATH" in run.log, run
        if theirs is not None:
            assert name in REFUSED, f"kubectl takes it: {theirs}\n{run}"
            assert REFUSED[name] in run.log, run
    else:
        assert ours == theirs, f"kubectl sends {theirs} ({their_words}), the program {ours}"


# What kubectl takes and we do not, with the word of the message that names it.
REFUSED = {
    **dict.fromkeys(["a key twice", "a key twice at the top", "a key twice, once in quotes", "JSON with a key twice",
                     "a key twice where nobody looks"], "twice"),
    "an anchor twice": "second occurrence",
    **dict.fromkeys(["a merge", "a merge of a list", "a merge with impersonation"], "<<"),
    "binary": "!!binary",
    **dict.fromkeys(["a user that is not there", "users that are null"], "there is no user"),
    **dict.fromkeys(["a server with a query", "a server with a fragment"], "server is not"),
    **dict.fromkeys(["impersonation", "impersonated groups"], "as is not supported"),
    "a password": "username is not supported",
    **dict.fromkeys(["a tagged text", "a tag that says not plain", "a tag of one's own",
                     "an unknown tag", "a token in two lines", "a token with blanks"], "token is not"),
    "UTF-16": "UTF-16",
    # Old releases of kubectl take the first.
    **dict.fromkeys(["a user twice", "a context twice"], "more than one"),
}


def _kubectl(server: Server, path: Path):
    server.seen.clear()
    done = subprocess.run(
        [KUBECTL, f"--kubeconfig={path}", "--request-timeout=10s", "version"],
        env=CLEAN_ENVIRONMENT | {"HOME": str(path.parent)}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, check=False)
    if "Please enter Username" in done.stdout:  # how kubectl 1.20 says that there are no credentials
        return ("", []), done.stdout.strip()
    return (server.seen[0] if server.seen else None), done.stderr.strip()


def _program(server: Server, path: Path, folder: Path):
    server.seen.clear()
    run = Program({
        "APP_KUBECONFIG_PATH": str(path), "APP_WORKING_NAMESPACE": "kube-system", "APP_ABS_CONTAINER_NAME": "backups",
        "APP_ABS_SECRET_NAME": "store", "APP_BLOB_PREFIX": "prod", "HOME": str(folder)}, folder, ("list",)).wait()
    return (server.seen[0] if server.seen else None), run
