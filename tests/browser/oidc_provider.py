"""A local OpenID Connect provider that lets everybody in as one person."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET, PERSON = "acrnn", "not-a-secret", "someone@example.org"


class Provider:
    """A running provider; a context manager.

    Attributes
    ----------
    url : str
    """

    def __enter__(self) -> "Provider":
        self._key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self._nonces: dict[str, str] = {}  # by code
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def metadata(self) -> dict:
        """Describe the provider, as its discovery document does."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def keys(self) -> dict:
        return {"keys": [self._key.as_dict(private=False)]}

    def let_in(self, asked: dict[str, str]) -> str:
        """Give the address to go back to."""
        code = f"code{len(self._nonces)}"
        self._nonces[code] = asked.get("nonce", "")
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, asked: dict[str, str]) -> dict:
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": CLIENT, "sub": "1", "email": PERSON, "iat": now, "exp": now + 600,
            "nonce": self._nonces.pop(asked["code"]),
        }  # fmt: skip
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self._key)
        return {"access_token": "a", "token_type": "Bearer", "expires_in": 600, "id_token": signed}


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_GET(self):
            url = urlsplit(self.path)
            if url.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", provider.let_in(_flat(url.query)))
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self._answer(provider.keys() if url.path == "/keys" else provider.metadata())

        def do_POST(self):
            asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(provider.token(_flat(asked)))

        def _answer(self, values: dict) -> None:
            content = json.dumps(values).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler


def _flat(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}
