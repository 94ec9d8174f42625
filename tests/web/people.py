"""A member of staff with a browser that runs no scripts: what they send, as a form would."""

import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

SAME_SITE = {"Sec-Fetch-Site": "same-origin"}


class Person:
    """Holds the token that the last page gave."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.csrf = ""

    def get(self, path: str, **headers: str) -> TestResponse:
        response = self.client.get(path, headers=headers, buffered=True)
        self._keep(response)
        return response

    def post(self, path: str, headers: dict[str, str] | None = None, **fields: Any) -> TestResponse:
        return self.client.post(path, data={"csrf": self.csrf} | fields, headers=headers or SAME_SITE)

    def sign_in(self, login: str, password: str, **fields: str) -> TestResponse:
        self.get("/sign-in")
        response = self.post("/sign-in", login=login, password=password, **fields)
        if response.status_code == 303:
            self.get("/")
        return response

    def _keep(self, response: TestResponse) -> None:
        if response.content_type and response.content_type.startswith("text/html"):
            found = re.search(r'name="csrf" value="([^"]+)"', response.text)
            if found:
                self.csrf = found[1]
