"""Requests to the blob service without any client library, for what a library would not send."""

import base64
import hashlib
import hmac
import http.client
from email.utils import formatdate
from urllib.parse import quote, unquote, urlsplit

SLOTS = ["content-encoding", "content-language", "content-length", "content-md5", "content-type", "date",
         "if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range"]


def string_to_sign(account, method, target, headers):
    """The Shared Key string to sign of a request whose x-ms- header names need no special order."""
    lower = {name.lower(): value for name, value in headers.items()}
    if lower.get("content-length") == "0":
        lower["content-length"] = ""
    path, _, query = target.partition("?")
    parameters: dict[str, list[str]] = {}
    for name, value in (part.partition("=")[::2] for part in query.split("&") if part):
        parameters.setdefault(unquote(name).lower(), []).append(unquote(value))
    return ("\n".join([method] + [lower.get(slot, "") for slot in SLOTS]) + "\n"
            + "".join(f"{name}:{lower[name]}\n" for name in sorted(lower) if name.startswith("x-ms-"))
            + f"/{account}{path}"
            + "".join(f"\n{name}:{','.join(sorted(parameters[name]))}" for name in sorted(parameters)))


def signature(account_key, text):
    return base64.b64encode(
        hmac.new(base64.b64decode(account_key), text.encode(), hashlib.sha256).digest()).decode()


class BlobRequest:
    """A request to the blob service, signed unless told otherwise, and its answer."""

    def __init__(self, sandbox, method, path, *, headers=None, body=b"", signed=True, host=None):
        """`path` starts after the account, with `/`; headers whose value is None are left out."""
        self.target = path if host else f"/{sandbox.account}{path}"
        wanted = {"x-ms-version": "2021-12-02", "x-ms-date": formatdate(usegmt=True)}
        if method == "PUT" or body:
            wanted["Content-Length"] = str(len(body))
        wanted.update(headers or {})
        self.headers = {name: value for name, value in wanted.items() if value is not None}
        text = string_to_sign(sandbox.account, method, self.target, self.headers)
        if signed:
            self.headers.setdefault(
                "Authorization", f"SharedKey {sandbox.account}:{signature(sandbox.account_key, text)}")
        address = urlsplit(sandbox.blob_url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
        try:
            connection.putrequest(method, self.target, skip_host=bool(host), skip_accept_encoding=True)
            if host:
                connection.putheader("Host", host)
            for name, value in self.headers.items():
                for single in value if isinstance(value, list) else [value]:
                    connection.putheader(name, single)
            connection.endheaders(body or None)
            response = connection.getresponse()
            self.status, self.answer_headers = response.status, response.headers
            self.content = response.read()
        finally:
            connection.close()

    @property
    def code(self):
        return self.answer_headers["x-ms-error-code"]


# The requests that most tests are made of; `blob` is `/CONTAINER/NAME`.


def put_block(sandbox, blob, body=b"data", *, block_id=b"0001", **headers):
    name = quote(base64.b64encode(block_id).decode(), safe="")
    return BlobRequest(sandbox, "PUT", f"{blob}?comp=block&blockid={name}", body=body, headers=headers)


def commit(sandbox, blob, *entries, headers=None):
    """Entries are (kind, block id); without any, the block `0001`."""
    items = "".join(f"<{kind}>{base64.b64encode(block).decode()}</{kind}>"
                    for kind, block in entries or [("Latest", b"0001")])
    return put_block_list(sandbox, blob, f"<BlockList>{items}</BlockList>".encode(), headers)


def put_block_list(sandbox, blob, document, headers=None):
    return BlobRequest(sandbox, "PUT", f"{blob}?comp=blocklist", body=document,
                       headers={"Content-Type": "application/xml", **(headers or {})})


def put_blob(sandbox, blob, body=b"data", **headers):
    return BlobRequest(sandbox, "PUT", blob, body=body, headers={"x-ms-blob-type": "BlockBlob", **headers})


def refused(answer, status, code):
    """Whether the answer is this error, in header and body."""
    assert (answer.status, answer.code) == (status, code)
    assert answer.content.startswith(b"\xef\xbb\xbf<?xml")
    assert f"<Code>{code}</Code>".encode() in answer.content
    assert answer.answer_headers["x-ms-request-id"].encode() in answer.content
    return True
