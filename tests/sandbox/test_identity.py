"""Tokens are signed, exchanged, expired and refused as Google does it, to Google's own auth library."""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import parse_qs, urlsplit

import google.auth.exceptions
import pytest
import requests
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2 import credentials, id_token, service_account

from sheets_catalog.sandbox import Sandbox
from tests.sandbox.clients import ToSandbox, close_clients, control, plain_session

__all__ = ["close_clients"]
DRIVE = "https://www.googleapis.com/auth/drive"
ROBOT = "robot@sheets-catalog.iam.gserviceaccount.com"


@pytest.fixture
def sandbox():
    with Sandbox.start("empty", speed=1000.0, latency="none") as running:
        yield running
        assert not running.gateway.crashes


@pytest.fixture
def transport(sandbox):
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", ToSandbox(sandbox.url))
    yield Request(session)
    session.close()


def robot_credentials(sandbox, transport, **options):
    info = control(sandbox.url, "service_accounts", {"email": ROBOT, **options})
    return service_account.Credentials.from_service_account_info(info, scopes=[DRIVE])


def list_files(sandbox, token):
    return plain_session(token=token).get(sandbox.url + "/drive/v3/files", timeout=5)


class TestServiceAccount:
    def test_signed_assertion_is_exchanged_for_a_working_token(self, sandbox, transport):
        robot = robot_credentials(sandbox, transport)
        robot.refresh(transport)
        assert list_files(sandbox, robot.token).status_code == 200
        shown = plain_session(token=robot.token).get(sandbox.url + "/drive/v3/about?fields=user", timeout=5).json()
        assert shown["user"]["emailAddress"] == ROBOT

    def test_forged_signature_is_refused(self, sandbox, transport):
        robot_credentials(sandbox, transport)
        other = control(sandbox.url, "service_accounts", {"email": "other@sheets-catalog.iam.gserviceaccount.com"})
        forged = service_account.Credentials.from_service_account_info({**other, "client_email": ROBOT}, scopes=[DRIVE])
        with pytest.raises(google.auth.exceptions.RefreshError, match="Invalid JWT Signature"):
            forged.refresh(transport)

    def test_unknown_account_is_refused(self, sandbox, transport):
        info = control(sandbox.url, "service_accounts", {"email": ROBOT})
        unknown = service_account.Credentials.from_service_account_info(
            {**info, "client_email": "nobody@x.iam.gserviceaccount.com"}, scopes=[DRIVE]
        )
        with pytest.raises(google.auth.exceptions.RefreshError, match="account not found") as caught:
            unknown.refresh(transport)
        assert not caught.value.retryable

    def test_delegation_only_where_it_was_given(self, sandbox, transport):
        robot = robot_credentials(sandbox, transport, delegates=["bea@example.com"])
        acting = robot.with_subject("bea@example.com")
        acting.refresh(transport)
        shown = plain_session(token=acting.token).get(sandbox.url + "/drive/v3/about?fields=user", timeout=5).json()
        assert shown["user"]["emailAddress"] == "bea@example.com"
        with pytest.raises(google.auth.exceptions.RefreshError, match="unauthorized_client"):
            robot.with_subject("carl@example.com").refresh(transport)

    def test_background_look_up_of_locations_is_answered_and_no_fault_counts_it(self, sandbox):
        path = f"/v1/projects/-/serviceAccounts/{ROBOT}/allowedLocations"
        control(sandbox.url, "faults", {"kind": "status", "status": 500, "operation": "*"})
        answer = plain_session(sandbox.url).get("https://iamcredentials.googleapis.com" + path, timeout=5)
        assert answer.json() == {"locations": [], "encodedLocations": "0x0"}

    def test_assertion_from_the_future_or_too_long_is_refused(self, sandbox):
        info = control(sandbox.url, "service_accounts", {"email": ROBOT})
        signer = service_account.Credentials.from_service_account_info(info).signer

        def exchange(issued, life):
            claims = {"iss": ROBOT, "aud": "https://oauth2.googleapis.com/token", "scope": DRIVE}
            assertion = google.auth.jwt.encode(signer, claims | {"iat": issued, "exp": issued + life}).decode()
            body = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
            return requests.post(sandbox.url + "/token", data=body, timeout=5)

        now = int(time.time())
        assert exchange(now, 3600).status_code == 200
        for issued, life in ((now + 3600, 600), (now - 7200, 3600), (now, 7200)):
            answer = exchange(issued, life)
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
            assert "reasonable timeframe" in answer.json()["error_description"]

    def test_garbage_assertions_are_refused(self, sandbox):
        for assertion in ("", "a.b", "a.b.c", "....", base64.b64encode(b"{}").decode() + ".e30.x"):
            body = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
            answer = requests.post(sandbox.url + "/token", data=body, timeout=5)
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


class TestRefresh:
    def user(self, sandbox, **changes):
        granted = control(
            sandbox.url, "refresh_tokens", {"email": "bea@example.com", "scopes": ["drive", "openid", "email"]}
        )
        return credentials.Credentials(None, **{**granted, **changes})

    def test_refresh_token_gives_an_access_token(self, sandbox, transport):
        user = self.user(sandbox)
        user.refresh(transport)
        assert list_files(sandbox, user.token).status_code == 200

    def test_revoked_grant_is_invalid_for_good(self, sandbox, transport):
        user = self.user(sandbox)
        user.refresh(transport)
        assert requests.post(sandbox.url + "/revoke", data={"token": user.refresh_token}, timeout=5).status_code == 200
        assert list_files(sandbox, user.token).status_code == 401
        with pytest.raises(google.auth.exceptions.RefreshError, match="expired or revoked") as caught:
            user.refresh(transport)
        assert not caught.value.retryable

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"refresh_token": "1//unknown"}, "invalid_grant"),
            ({"client_secret": "wrong"}, "invalid_client"),
            ({"client_id": "nobody"}, "invalid_client"),
        ],
    )
    def test_wrong_grants_and_clients(self, sandbox, transport, changes, error):
        with pytest.raises(google.auth.exceptions.RefreshError, match=error):
            self.user(sandbox, **changes).refresh(transport)

    def test_expired_token_is_refreshed_on_401_by_the_real_session(self, sandbox, transport):
        user = self.user(sandbox)
        with AuthorizedSession(user, auth_request=transport) as session:
            session.trust_env = False
            assert session.get(sandbox.url + "/drive/v3/files", timeout=5).status_code == 200
            first = user.token
            assert control(sandbox.url, "tokens/expire", {})["expired"] == 1
            assert session.get(sandbox.url + "/drive/v3/files", timeout=5).status_code == 200
        assert user.token != first
        assert control(sandbox.url, "requests")["operations"]["drive.files.list"] == {"200": 2, "401": 1}

    def test_code_flow_with_challenge(self, sandbox):
        client = control(sandbox.url, "connection")["google"]
        query = {
            "client_id": client["client_id"],
            "redirect_uri": "http://127.0.0.1:9/back",
            "response_type": "code",
            "scope": "drive email",
            "state": "s1",
            "login_hint": "bea@example.com",
            "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            "code_challenge_method": "S256",
        }
        answer = requests.get(sandbox.url + "/o/oauth2/v2/auth", params=query, allow_redirects=False, timeout=5)
        back = parse_qs(urlsplit(answer.headers["Location"]).query)
        assert back["state"] == ["s1"]
        body = {
            "grant_type": "authorization_code",
            "code": back["code"][0],
            "redirect_uri": "http://127.0.0.1:9/back",
            "client_id": client["client_id"],
            "client_secret": client["client_secret"],
            "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        }
        token = requests.post(sandbox.url + "/token", data=body, timeout=5).json()
        assert list_files(sandbox, token["access_token"]).status_code == 200
        assert "refresh_token" in token
        again = requests.post(sandbox.url + "/token", data=body, timeout=5)
        assert again.json()["error"] == "invalid_grant"


class TestBearer:
    @pytest.mark.parametrize("header", [None, "Bearer nonsense", "Basic abc", "Bearer "])
    def test_missing_or_unknown_token_is_401_in_googles_shape(self, sandbox, header):
        headers = {"Authorization": header} if header else {}
        answer = requests.get(sandbox.url + "/drive/v3/files", headers=headers, timeout=5)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["status"]) == (401, 401, "UNAUTHENTICATED")
        assert error["errors"][0]["reason"] == "authError"
        assert "WWW-Authenticate" in answer.headers

    def test_minted_token_ends_with_its_life(self, sandbox):
        token = control(sandbox.url, "tokens", {"email": "bea@example.com", "seconds": 600})["access_token"]
        assert list_files(sandbox, token).status_code == 200
        control(sandbox.url, "clock", {"advance": 601})
        assert list_files(sandbox, token).status_code == 401

    def test_a_tokens_life_is_not_shortened_by_speed(self, sandbox):
        """Client libraries track expiry with the real clock: a thousandfold sandbox must not outrun them."""
        token = control(sandbox.url, "tokens", {"seconds": 3600})["access_token"]
        time.sleep(0.1)
        assert sandbox.world.clock.seconds() > 90
        assert list_files(sandbox, token).status_code == 200

    def test_revoked_token(self, sandbox):
        token = control(sandbox.url, "tokens", {})["access_token"]
        assert control(sandbox.url, "tokens/revoke", {"token": token}) == {"revoked": True}
        assert list_files(sandbox, token).status_code == 401


class TestIdTokens:
    def mint(self, sandbox, **options):
        body = {"email": "bea@example.com", "audience": "https://addon.example/home", **options}
        return control(sandbox.url, "id_tokens", body)["id_token"]

    def verify(self, sandbox, transport, token, audience="https://addon.example/home"):
        return id_token.verify_token(token, transport, audience, certs_url=sandbox.url + "/oauth2/v1/certs")

    def test_verified_by_googles_library_against_the_published_certificate(self, sandbox, transport):
        claims = self.verify(sandbox, transport, self.mint(sandbox))
        assert (claims["iss"], claims["email"]) == ("https://accounts.google.com", "bea@example.com")

    def test_verify_oauth2_token_reaches_the_same_certificates(self, sandbox, transport):
        token = self.mint(sandbox)
        assert id_token.verify_oauth2_token(token, transport, "https://addon.example/home")["email_verified"] is True

    def test_wrong_audience_expired_and_foreign_tokens_fail(self, sandbox, transport):
        with pytest.raises(ValueError, match="audience"):
            self.verify(sandbox, transport, self.mint(sandbox), "https://addon.example/other")
        with pytest.raises(ValueError, match="expired"):
            self.verify(sandbox, transport, self.mint(sandbox, seconds=-10))
        signed, _, _ = self.mint(sandbox).rpartition(".")
        other = self.mint(sandbox, claims={"email": "eve@example.com"}).rpartition(".")[2]
        with pytest.raises(ValueError):
            self.verify(sandbox, transport, f"{signed}.{other}")

    def test_claims_can_be_overridden_or_left_out(self, sandbox):
        token = self.mint(sandbox, claims={"iss": "https://evil.example", "email_verified": None})
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        assert claims["iss"] == "https://evil.example"
        assert "email_verified" not in claims

    def test_keys_may_be_cached_and_come_in_both_forms(self, sandbox):
        certificates = requests.get(sandbox.url + "/oauth2/v1/certs", timeout=5)
        assert "max-age=" in certificates.headers["Cache-Control"]
        keys = requests.get(sandbox.url + "/oauth2/v3/certs", timeout=5).json()["keys"]
        assert [key["kid"] for key in keys] == list(certificates.json())
        assert certificates.json()[keys[0]["kid"]].startswith("-----BEGIN CERTIFICATE-----")


class TestLookUps:
    def test_tokeninfo_of_an_access_token(self, sandbox):
        token = control(
            sandbox.url, "tokens", {"email": "bea@example.com", "scopes": ["drive.file", "email"], "seconds": 100}
        )
        found = requests.get(
            sandbox.url + "/tokeninfo", params={"access_token": token["access_token"]}, timeout=5
        ).json()
        assert found["email"] == "bea@example.com"
        assert found["scope"].split() == token["scopes"]
        assert 0 < int(found["expires_in"]) <= 100
        bad = requests.get(sandbox.url + "/tokeninfo", params={"access_token": "nonsense"}, timeout=5)
        assert (bad.status_code, bad.json()["error"]) == (400, "invalid_token")

    def test_tokeninfo_of_an_id_token(self, sandbox):
        token = control(sandbox.url, "id_tokens", {"email": "bea@example.com", "audience": "x"})["id_token"]
        found = requests.get(sandbox.url + "/tokeninfo", params={"id_token": token}, timeout=5).json()
        assert (found["aud"], found["email"]) == ("x", "bea@example.com")
        tampered = requests.get(sandbox.url + "/tokeninfo", params={"id_token": token[:-6] + "AAAAAA"}, timeout=5)
        assert tampered.status_code == 400

    def test_userinfo_shows_what_the_scopes_allow(self, sandbox):
        def info(*scopes):
            token = control(sandbox.url, "tokens", {"email": "bea@example.com", "scopes": list(scopes)})["access_token"]
            return plain_session(token=token).get(sandbox.url + "/oauth2/v2/userinfo", timeout=5)

        assert info("openid", "email").json()["email"] == "bea@example.com"
        assert "email" not in info("openid").json()
        assert info("drive").status_code == 403


def test_service_account_file_names_only_the_sandbox(sandbox):
    info = control(sandbox.url, "service_accounts", {"email": ROBOT})
    assert info["type"] == "service_account"
    addresses = [value for name, value in info.items() if name.endswith(("_uri", "_url"))]
    assert all(address.startswith(sandbox.url) for address in addresses)
