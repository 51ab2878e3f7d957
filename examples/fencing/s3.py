#!/usr/bin/env python3
"""Writes an object of an S3-compatible store, unless a later leader has written it.

Run: leader run -- examples/fencing/s3.py https://s3.eu-west-1.amazonaws.com/my-bucket/report.json TEXT

The term stands in the object's content, so that its ETag changes with the term: an ETag says nothing of
metadata. The store must honour If-Match and If-None-Match. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
AWS_SESSION_TOKEN and AWS_REGION count; without the first, requests are not signed.
"""

import hashlib
import hmac
import json
import os
import sys
import time
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

TRIES = 100
TIMEOUT_S = 30
WRITTEN = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT)
OVERTAKEN = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED)
"""Deleted, written at the same moment, or written since it was read. Source: the S3 API, PutObject."""


def main() -> None:
    """Write the object; end with a sentence and 1 if that is not to be."""
    term = int(
        os.environ.get("LEADER_TERM")
        or sys.exit("s3.py: LEADER_TERM is not set: start this under leader run")
    )
    where, text = sys.argv[1:]
    url = urlsplit(where)
    for _ in range(TRIES):
        etag, seen = look(url)
        if seen > term:
            sys.exit(f"s3.py: {where} was written by term {seen}, and ours is {term}: nothing was changed")
        if put(url, etag, json.dumps({"term": term, "value": text}).encode()):
            return
    sys.exit(f"s3.py: {where} changes all the time, so nothing was written: try again later")


def look(url: SplitResult) -> tuple[str, int]:
    """The object's ETag and its term; an empty one and 0 if there is no object."""
    status, etag, body = ask(url, "GET", {}, b"")
    if status == HTTPStatus.NOT_FOUND:
        return "", 0
    if status != HTTPStatus.OK:
        sys.exit(f"s3.py: {url.geturl()} cannot be read: status {status}")
    return etag, int(json.loads(body)["term"])


def put(url: SplitResult, etag: str, body: bytes) -> bool:
    """Whether the object was written: only if it is still the one that was read, or still is not there."""
    condition = {"If-Match": etag} if etag else {"If-None-Match": "*"}
    status, _, _ = ask(url, "PUT", condition, body)
    if status in OVERTAKEN:
        return False
    if status not in WRITTEN:
        sys.exit(f"s3.py: {url.geturl()} cannot be written: status {status}")
    return True


def ask(url: SplitResult, method: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
    """Status, ETag and body of the answer."""
    secure = url.scheme == "https"
    connection = (HTTPSConnection if secure else HTTPConnection)(url.netloc, timeout=TIMEOUT_S)
    try:
        connection.request(method, url.path, body or None, signed(url, method, headers, body, time.gmtime()))
        answer = connection.getresponse()
        return answer.status, answer.headers.get("ETag", ""), answer.read()
    finally:
        connection.close()


def signed(
    url: SplitResult, method: str, headers: dict[str, str], body: bytes, now: time.struct_time
) -> dict[str, str]:
    """The headers with a signature, if there is a key to sign with. Source: AWS Signature Version 4."""
    key = os.environ.get("AWS_ACCESS_KEY_ID")
    if not key:
        return headers
    moment, digest = time.strftime("%Y%m%dT%H%M%SZ", now), hashlib.sha256(body).hexdigest()
    scope = f"{moment[:8]}/{os.environ.get('AWS_REGION', 'us-east-1')}/s3/aws4_request"
    token = os.environ.get("AWS_SESSION_TOKEN")
    headers = {**headers, "Host": url.netloc, "x-amz-content-sha256": digest, "x-amz-date": moment}
    headers |= {"x-amz-security-token": token} if token else {}
    lines = sorted(f"{name.lower()}:{value}" for name, value in headers.items())
    names = ";".join(line.partition(":")[0] for line in lines)
    request = "\n".join([method, url.path, url.query, *lines, "", names, digest])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(request.encode()).hexdigest()])
    secret = f"AWS4{os.environ['AWS_SECRET_ACCESS_KEY']}".encode()
    for part in (*scope.split("/"), to_sign):
        secret = hmac.digest(secret, part.encode(), "sha256")
    credential = f"Credential={key}/{scope},SignedHeaders={names},Signature={secret.hex()}"
    return {**headers, "Authorization": f"AWS4-HMAC-SHA256 {credential}"}


if __name__ == "__main__":
    try:
        main()
    except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
        sys.exit(f"s3.py: the object could not be written: {error!r}")
