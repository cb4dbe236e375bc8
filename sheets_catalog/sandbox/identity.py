"""Google's identity endpoints: tokens, keys, token look-ups. Everything is signed and verified for real.

Endpoints: POST /token (grants: service-account JWT bearer, refresh_token, authorization_code), GET /o/oauth2/auth and
/o/oauth2/v2/auth (consents at once and redirects with a code), POST /revoke, GET /oauth2/v1/certs (x509 by key id),
GET /oauth2/v3/certs (JWKS), /tokeninfo and /oauth2/v3/tokeninfo, /oauth2/v2|v3/userinfo and /v1/userinfo,
GET /v1/projects/-/serviceAccounts/{email}/allowedLocations (google-auth looks it up in the background).
Sources: RFC 6749, RFC 7523, RFC 7517, https://developers.google.com/identity/protocols/oauth2/service-account.
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from sheets_catalog.sandbox import jose
from sheets_catalog.sandbox.accounts import (
    ALL_SCOPES,
    APP,
    AUTH,
    CLIENT_ID,
    CLIENT_SECRET,
    CLOCK_SKEW,
    ISSUER,
    JWT_GRANT,
    OWNER,
    STANDING_TOKEN,
    TOKEN_LIFE,
    Grant,
    OAuthError,
    ServiceAccount,
    Token,
    User,
    full_scope,
    with_tuple,
)
from sheets_catalog.sandbox.wire import (
    ANONYMOUS,
    JSON,
    Caller,
    GoogleError,
    Request,
    Response,
    Rule,
    World,
    json_response,
    unauthenticated,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Identity:
    """Users, service accounts and tokens of one sandbox."""

    name = "identity"

    def __init__(self, world: World) -> None:
        self._world = world
        self.key = jose.sandbox_key()
        self.users: dict[str, User] = {}
        self.tokens: dict[str, Token] = {}
        self.refresh_tokens: dict[str, Grant] = {}
        self.codes: dict[str, Grant] = {}
        self.accounts: dict[str, ServiceAccount] = {}
        self.clients: dict[str, tuple[str, str]] = {CLIENT_ID: (CLIENT_SECRET, APP)}
        self.user(OWNER)
        self._keep(Token(STANDING_TOKEN, OWNER, ALL_SCOPES, APP))

    # -- what the control endpoints and the other services use -----------------------------------------------------

    def user(self, email: str, name: str = "") -> User:
        """The user of this address, made on first mention."""
        known = self.users.get(email)
        if known is None:
            digits = int.from_bytes(hashlib.sha256(email.encode()).digest()[:8])
            known = User(email, f"1{digits % 10**20:020d}", name or email.split("@", 1)[0].replace(".", " ").title())
            self.users[email] = known
        return known

    def mint(
        self,
        email: str = OWNER,
        scopes: Sequence[str] = ALL_SCOPES,
        app: str = APP,
        seconds: float | None = None,
    ) -> Token:
        """Make an access token for a user; `seconds`: its life (None: for ever)."""
        self.user(email)
        expires = None if seconds is None else self._world.clock.wall() + seconds
        full = tuple(full_scope(scope) for scope in scopes)
        return self._keep(
            Token(f"ya29.sandbox-{self._world.token(40)}", email, full, app, self._client_of(app), expires)
        )

    def mint_refresh(self, email: str = OWNER, scopes: Sequence[str] = ALL_SCOPES, client_id: str = CLIENT_ID) -> Grant:
        """Make a refresh token for a user of an OAuth client."""
        self.user(email)
        app = self.clients[client_id][1]
        full = tuple(full_scope(scope) for scope in scopes)
        grant = Grant(f"1//sandbox-{self._world.token(40)}", email, full, app, client_id)
        self.refresh_tokens[grant.value] = grant
        return grant

    def client(self, app: str) -> dict[str, str]:
        """Register (or find) the OAuth client of an app: {client_id, client_secret}."""
        client_id = self._client_of(app)
        return {"client_id": client_id, "client_secret": self.clients[client_id][0]}

    def service_account(self, email: str, app: str = APP, delegates: Sequence[str] = ()) -> dict[str, str]:
        """Make a service account; its key file as Google's console would give it, `token_uri` on this sandbox."""
        private, public = jose.new_key_pair()
        key_id = hashlib.sha256(public.encode()).hexdigest()[:40]
        client_id = self.user(email).sub
        self.accounts[email] = ServiceAccount(email, client_id, app, key_id, public, tuple(delegates))
        return {
            "type": "service_account",
            "project_id": app,
            "private_key_id": key_id,
            "private_key": private,
            "client_email": email,
            "client_id": client_id,
            "auth_uri": f"{self._world.base_url}/o/oauth2/auth",
            "token_uri": f"{self._world.base_url}/token",
            "auth_provider_x509_cert_url": f"{self._world.base_url}/oauth2/v1/certs",
            "client_x509_cert_url": f"{self._world.base_url}/robot/v1/metadata/x509/{email}",
            "universe_domain": "googleapis.com",
        }

    def id_token(
        self, email: str, audience: str, seconds: float = 3600, claims: Mapping[str, JSON] | None = None
    ) -> str:
        """A signed ID token as Google makes it; `claims` overrides or (with None) removes single claims."""
        now = int(self._world.clock.wall())
        whole = {
            "iss": ISSUER,
            "azp": audience,
            "aud": audience,
            "sub": self.user(email).sub,
            "email": email,
            "email_verified": True,
            "iat": now,
            "exp": now + int(seconds),
        } | dict(claims or {})
        return jose.sign({key: value for key, value in whole.items() if value is not None}, self.key)

    def is_service_account(self, email: str) -> bool:
        """Whether the address is a service account's: it has no storage of its own."""
        return email in self.accounts or email.endswith(".gserviceaccount.com")

    def revoke(self, value: str) -> bool:
        """Make an access or refresh token (and then all its access tokens) useless."""
        token, grant = self.tokens.get(value), self.refresh_tokens.get(value)
        if token is not None:
            self.tokens[value] = dataclasses.replace(token, revoked=True)
        if grant is not None:
            self.refresh_tokens[value] = dataclasses.replace(grant, revoked=True)
            for other in list(self.tokens.values()):
                if (other.email, other.client_id) == (grant.email, grant.client_id) and other.expires is not None:
                    self.tokens[other.value] = dataclasses.replace(other, revoked=True)
        return token is not None or grant is not None

    def expire_all(self) -> int:
        """Let every access token that ages at all expire now; answers how many."""
        aging = [token for token in self.tokens.values() if token.expires is not None]
        for token in aging:
            self.tokens[token.value] = dataclasses.replace(token, expires=self._world.clock.wall() - 1)
        return len(aging)

    def bearer(self, request: Request) -> Caller:
        """The caller behind an `Authorization: Bearer` header (or `access_token=`); GoogleError 401 without one."""
        header = request.headers.get("Authorization", "")
        value = header[7:].strip() if header.lower().startswith("bearer ") else request.args.get("access_token", "")
        if not value:
            raise unauthenticated(
                "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie "
                "or other valid authentication credential. See "
                "https://developers.google.com/identity/sign-in/web/devconsole-project."
            )
        token = self._valid(value)
        if token is None:
            raise unauthenticated()
        return Caller(token.email, frozenset(token.scopes), token.app)

    def act_as(self, email: str, shop: str = "") -> Caller:
        """A caller with all scopes, in an app of its own: a person at work in the web interface."""
        self.user(email)
        return Caller(email, frozenset(ALL_SCOPES), "web-interface", shop)

    # -- the service ------------------------------------------------------------------------------------------------

    def rules(self) -> Sequence[Rule]:
        get, post, both = ["GET"], ["POST"], ["GET", "POST"]
        return [
            Rule("/token", methods=post, endpoint="identity.token"),
            Rule("/oauth2/v4/token", methods=post, endpoint="identity.token"),
            Rule("/o/oauth2/token", methods=post, endpoint="identity.token"),
            Rule("/o/oauth2/auth", methods=get, endpoint="identity.authorize"),
            Rule("/o/oauth2/v2/auth", methods=get, endpoint="identity.authorize"),
            Rule("/revoke", methods=both, endpoint="identity.revoke"),
            Rule("/oauth2/v1/certs", methods=get, endpoint="identity.certs"),
            Rule("/oauth2/v3/certs", methods=get, endpoint="identity.certs.jwks"),
            Rule("/robot/v1/metadata/x509/<email>", methods=get, endpoint="identity.certs"),
            Rule("/tokeninfo", methods=both, endpoint="identity.tokeninfo"),
            Rule("/oauth2/v1/tokeninfo", methods=both, endpoint="identity.tokeninfo"),
            Rule("/oauth2/v2/tokeninfo", methods=both, endpoint="identity.tokeninfo"),
            Rule("/oauth2/v3/tokeninfo", methods=both, endpoint="identity.tokeninfo"),
            Rule("/oauth2/v1/userinfo", methods=get, endpoint="identity.userinfo"),
            Rule("/oauth2/v2/userinfo", methods=get, endpoint="identity.userinfo"),
            Rule("/userinfo/v2/me", methods=get, endpoint="identity.userinfo"),
            Rule("/oauth2/v3/userinfo", methods=get, endpoint="identity.userinfo.openid"),
            Rule("/v1/userinfo", methods=both, endpoint="identity.userinfo.openid"),
            Rule(
                "/v1/projects/-/serviceAccounts/<email>/allowedLocations",
                methods=get,
                endpoint="identity.allowedLocations",
            ),
            Rule("/.well-known/openid-configuration", methods=get, endpoint="identity.discovery"),
        ]

    def caller(self, request: Request) -> Caller:
        """Nobody: these endpoints look at tokens by themselves."""
        return ANONYMOUS

    def is_read(self, operation: str, request: Request) -> bool:
        return operation not in {"identity.token", "identity.authorize", "identity.revoke"}

    def call(self, operation: str, request: Request, args: Mapping[str, str], caller: Caller) -> Response:
        calls = {
            "identity.token": self._token,
            "identity.authorize": self._authorize,
            "identity.revoke": self._revoke,
            "identity.certs": self._certs,
            "identity.certs.jwks": self._jwks,
            "identity.tokeninfo": self._tokeninfo,
            "identity.userinfo": self._userinfo,
            "identity.userinfo.openid": self._openid_userinfo,
            "identity.allowedLocations": self._allowed_locations,
            "identity.discovery": self._discovery,
        }
        try:
            return calls[operation](request)
        except OAuthError as error:
            return error.response()

    def dump(self) -> JSON:
        return {
            "key": self.key.private_pem,
            "users": [dataclasses.asdict(user) for user in self.users.values()],
            "tokens": [dataclasses.asdict(token) for token in self.tokens.values()],
            "refresh_tokens": [dataclasses.asdict(grant) for grant in self.refresh_tokens.values()],
            "accounts": [dataclasses.asdict(account) for account in self.accounts.values()],
            "clients": {client_id: list(client) for client_id, client in self.clients.items()},
        }

    def load(self, state: JSON) -> None:
        self.key = jose.load_key(state["key"])
        self.users = {item["email"]: User(**item) for item in state["users"]}
        self.tokens = {item["value"]: Token(**with_tuple(item, "scopes")) for item in state["tokens"]}
        self.refresh_tokens = {item["value"]: Grant(**with_tuple(item, "scopes")) for item in state["refresh_tokens"]}
        self.accounts = {item["email"]: ServiceAccount(**with_tuple(item, "delegates")) for item in state["accounts"]}
        self.clients = {client_id: (client[0], client[1]) for client_id, client in state["clients"].items()}
        self.codes = {}

    # -- the token endpoint -----------------------------------------------------------------------------------------

    def _token(self, request: Request) -> Response:
        grant_type = request.form.get("grant_type", "")
        if grant_type == JWT_GRANT:
            return self._exchange_assertion(request)
        if grant_type == "refresh_token":
            return self._refresh(request)
        if grant_type == "authorization_code":
            return self._exchange_code(request)
        if not grant_type:
            raise OAuthError("invalid_request", "Required parameter is missing: grant_type")
        raise OAuthError("unsupported_grant_type", f"Invalid grant_type: {grant_type}")

    def _exchange_assertion(self, request: Request) -> Response:
        claims, account = self._checked_assertion(request.form.get("assertion", ""))
        email = self._subject(claims, account)
        if "target_audience" in claims:
            return json_response({"id_token": self.id_token(account.email, str(claims["target_audience"]))})
        scopes = str(claims.get("scope", "")).split()
        if not scopes:
            raise OAuthError("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        self.user(email)
        token = Token(
            f"ya29.c.sandbox-{self._world.token(60)}",
            email,
            tuple(full_scope(scope) for scope in scopes),
            account.app,
            account.client_id,
            self._world.clock.wall() + TOKEN_LIFE,
        )
        return _token_answer(self._keep(token))

    def _checked_assertion(self, assertion: str) -> tuple[dict[str, Any], ServiceAccount]:
        try:
            claims = jose.unverified_claims(assertion)
        except jose.BadTokenError as error:
            raise OAuthError("invalid_grant", f"Invalid JWT: {error}") from error
        account = self.accounts.get(str(claims.get("iss", "")))
        if account is None:
            raise OAuthError("invalid_grant", "Invalid grant: account not found")
        if account.disabled:
            raise OAuthError("invalid_grant", "Invalid grant: account disabled")
        try:
            jose.verify(assertion, account.public_key)
        except jose.BadTokenError as error:
            raise OAuthError("invalid_grant", "Invalid JWT Signature.") from error
        self._check_times(claims)
        if not str(claims.get("aud", "")).endswith("/token"):
            raise OAuthError("invalid_grant", "Invalid JWT: Failed audience check.")
        return claims, account

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self._world.clock.wall()
        issued, expires = claims.get("iat"), claims.get("exp")
        numbers = isinstance(issued, int | float) and isinstance(expires, int | float)
        if not numbers or not _timely(float(issued), float(expires), now):  # type: ignore[arg-type]
            raise OAuthError(
                "invalid_grant",
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your "
                "iat and exp values in the JWT claim.",
            )

    def _subject(self, claims: Mapping[str, Any], account: ServiceAccount) -> str:
        subject = str(claims.get("sub") or account.email)
        if subject in {account.email, account.client_id}:
            return account.email
        if subject not in account.delegates and "*" not in account.delegates:
            raise OAuthError(
                "unauthorized_client",
                "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any "
                "of the scopes requested.",
                401,
            )
        return subject

    def _refresh(self, request: Request) -> Response:
        client_id = self._checked_client(request)
        grant = self.refresh_tokens.get(request.form.get("refresh_token", ""))
        if grant is None:
            raise OAuthError("invalid_grant", "Bad Request")
        if grant.revoked:
            raise OAuthError("invalid_grant", "Token has been expired or revoked.")
        if grant.client_id != client_id:
            raise OAuthError("unauthorized_client", "Unauthorized", 401)
        wanted = tuple(full_scope(scope) for scope in request.form.get("scope", "").split())
        if not set(wanted) <= set(grant.scopes):
            raise OAuthError("invalid_scope", "Some requested scopes were not granted.")
        token = Token(
            f"ya29.a0sandbox-{self._world.token(60)}",
            grant.email,
            wanted or grant.scopes,
            grant.app,
            client_id,
            self._world.clock.wall() + TOKEN_LIFE,
        )
        return _token_answer(self._keep(token), **self._id_token_part(token))

    def _id_token_part(self, token: Token) -> dict[str, str]:
        return {"id_token": self.id_token(token.email, token.client_id)} if "openid" in token.scopes else {}

    def _checked_client(self, request: Request) -> str:
        client_id, secret = request.form.get("client_id", ""), request.form.get("client_secret", "")
        if request.authorization is not None and request.authorization.type == "basic":
            client_id, secret = request.authorization.username or "", request.authorization.password or ""
        known = self.clients.get(client_id)
        if known is None:
            raise OAuthError("invalid_client", "The OAuth client was not found.", 401)
        if known[0] != secret:
            raise OAuthError("invalid_client", "Unauthorized", 401)
        return client_id

    def _exchange_code(self, request: Request) -> Response:
        client_id = self._checked_client(request)
        code = self.codes.pop(request.form.get("code", ""), None)
        if code is None or code.client_id != client_id:
            raise OAuthError("invalid_grant", "Malformed auth code.")
        if code.redirect_uri != request.form.get("redirect_uri", ""):
            raise OAuthError("redirect_uri_mismatch", "Bad Request")
        if code.challenge and code.challenge != jose.s256(request.form.get("code_verifier", "")):
            raise OAuthError("invalid_grant", "Invalid code verifier.")
        grant = self.mint_refresh(code.email, code.scopes, client_id)
        token = Token(
            f"ya29.a0sandbox-{self._world.token(60)}",
            code.email,
            code.scopes,
            code.app,
            client_id,
            self._world.clock.wall() + TOKEN_LIFE,
        )
        return _token_answer(self._keep(token), refresh_token=grant.value, **self._id_token_part(token))

    def _authorize(self, request: Request) -> Response:
        """Consent at once, as `login_hint` (default: the owner), and go back with a code."""
        args = request.args
        known = self.clients.get(args.get("client_id", ""))
        redirect_uri = args.get("redirect_uri", "")
        if known is None or not redirect_uri or args.get("response_type", "code") != "code":
            return Response("Error 400: invalid_request", status=400, content_type="text/html; charset=utf-8")
        scopes = tuple(full_scope(scope) for scope in args.get("scope", "").split())
        email = args.get("login_hint", OWNER)
        self.user(email)
        code = Grant(
            f"4/sandbox-{self._world.token(40)}",
            email,
            scopes,
            known[1],
            args["client_id"],
            redirect_uri,
            args.get("code_challenge", ""),
        )
        self.codes[code.value] = code
        back = {"code": code.value, "scope": " ".join(scopes)} | ({"state": args["state"]} if "state" in args else {})
        joint = "&" if "?" in redirect_uri else "?"
        return Response(status=302, headers={"Location": f"{redirect_uri}{joint}{urlencode(back)}"})

    def _revoke(self, request: Request) -> Response:
        if not self.revoke(request.values.get("token", "")):
            raise OAuthError("invalid_token", "Token expired or revoked")
        return json_response({})

    # -- keys and look-ups ------------------------------------------------------------------------------------------

    def _certs(self, request: Request) -> Response:
        return _cached(json_response({self.key.key_id: self.key.certificate}))

    def _jwks(self, request: Request) -> Response:
        return _cached(json_response({"keys": [self.key.jwk]}))

    def _tokeninfo(self, request: Request) -> Response:
        if "id_token" in request.values:
            try:
                claims = jose.verify(request.values["id_token"], self.key.public_pem)
            except jose.BadTokenError as error:
                raise OAuthError("invalid_token", "Invalid Value") from error
            if float(claims.get("exp", 0)) < self._world.clock.wall():
                raise OAuthError("invalid_token", "Invalid Value")
            return json_response({key: str(value) for key, value in claims.items()} | {"alg": "RS256", "typ": "JWT"})
        token = self._valid(request.values.get("access_token", ""))
        if token is None:
            raise OAuthError("invalid_token", "Invalid Value")
        return json_response(self._token_facts(token))

    def _token_facts(self, token: Token) -> dict[str, str]:
        left = TOKEN_LIFE if token.expires is None else int(token.expires - self._world.clock.wall())
        facts = {
            "azp": token.client_id,
            "aud": token.client_id,
            "sub": self.user(token.email).sub,
            "scope": " ".join(token.scopes),
            "exp": str(int(self._world.clock.wall()) + left),
            "expires_in": str(left),
            "access_type": "offline",
        }
        if _may_see_email(token.scopes):
            facts |= {"email": token.email, "email_verified": "true"}
        return facts

    def _userinfo(self, request: Request) -> Response:
        user, scopes = self._user_of(request)
        facts: dict[str, Any] = {"id": user.sub, "picture": f"{self._world.base_url}/a/{user.sub}"}
        if _may_see_email(scopes):
            facts |= {"email": user.email, "verified_email": True}
        return json_response(facts | ({"name": user.name} if AUTH + "userinfo.profile" in scopes else {}))

    def _openid_userinfo(self, request: Request) -> Response:
        user, scopes = self._user_of(request)
        facts: dict[str, Any] = {"sub": user.sub, "picture": f"{self._world.base_url}/a/{user.sub}"}
        if _may_see_email(scopes):
            facts |= {"email": user.email, "email_verified": True}
        return json_response(facts | ({"name": user.name} if AUTH + "userinfo.profile" in scopes else {}))

    def _user_of(self, request: Request) -> tuple[User, frozenset[str]]:
        caller = self.bearer(request)
        if not caller.scopes & {"openid", AUTH + "userinfo.email", AUTH + "userinfo.profile"}:
            raise GoogleError(
                403, "Request had insufficient authentication scopes.", status="PERMISSION_DENIED", reason="forbidden"
            )
        return self.user(caller.email), caller.scopes

    def _allowed_locations(self, request: Request) -> Response:
        return json_response({"locations": [], "encodedLocations": "0x0"})

    def _discovery(self, request: Request) -> Response:
        base = self._world.base_url
        return json_response(
            {
                "issuer": ISSUER,
                "authorization_endpoint": f"{base}/o/oauth2/v2/auth",
                "token_endpoint": f"{base}/token",
                "userinfo_endpoint": f"{base}/v1/userinfo",
                "revocation_endpoint": f"{base}/revoke",
                "jwks_uri": f"{base}/oauth2/v3/certs",
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    # -- small parts ------------------------------------------------------------------------------------------------

    def _keep(self, token: Token) -> Token:
        self.tokens[token.value] = token
        return token

    def _valid(self, value: str) -> Token | None:
        token = self.tokens.get(value)
        if token is None or token.revoked:
            return None
        return None if token.expires is not None and token.expires <= self._world.clock.wall() else token

    def _client_of(self, app: str) -> str:
        for client_id, (_, known) in self.clients.items():
            if known == app:
                return client_id
        client_id = f"{100_000_000_001 + len(self.clients)}-{self._world.token(8, 'abcdefghij0123456789')}"
        client_id += ".apps.googleusercontent.com"
        self.clients[client_id] = (f"GOCSPX-{self._world.token(20)}", app)
        return client_id


def _timely(issued: float, expires: float, now: float) -> bool:
    return issued <= now + CLOCK_SKEW and now <= expires and expires - issued <= 3600


def _may_see_email(scopes: Iterable[str]) -> bool:
    return AUTH + "userinfo.email" in scopes


def _token_answer(token: Token, **more: str) -> Response:
    body = {
        "access_token": token.value,
        "expires_in": TOKEN_LIFE,
        "scope": " ".join(token.scopes),
        "token_type": "Bearer",
    }
    return json_response(body | more)


def _cached(response: Response) -> Response:
    response.headers["Cache-Control"] = "public, max-age=21600, must-revalidate, no-transform"
    return response
