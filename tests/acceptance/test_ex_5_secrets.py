"""EX-5: planted secrets are found nowhere: not in output, logs, reports, the audit's bytes, Drive or the sheet."""

from __future__ import annotations

import json
import signal

TOKEN = "shpat_c0ffee00c0ffee00c0ffee00c0ffee00"


def test_ex_5_secrets_are_nowhere(town, tmp_path):
    grant = town.post("refresh_tokens", {})
    sign_in = {
        "type": "authorized_user",
        **{name: grant[name] for name in ("client_id", "client_secret", "refresh_token", "token_uri")},
    }
    key_file = tmp_path / "sign-in.json"
    key_file.write_text(json.dumps(sign_in), encoding="utf-8")
    scopes = ["write_products", "write_inventory", "read_locations"]
    shop_token = town.merchant("mint_token", scopes=scopes)
    town.connect(
        google={"access_token": "", "authorized_user_file": str(key_file)}, shopify={"access_token": shop_token}
    )
    secrets = [shop_token, TOKEN, grant["refresh_token"], grant["client_secret"]]
    assert all(len(secret) > 8 for secret in secrets)

    ended = everything(town, tmp_path, shop_token)
    secrets += google_tokens(town)
    found = [(name, secret[:12]) for name, text in ended.items() for secret in secrets if secret in text]
    for path in town.home.rglob("*"):
        if path.is_file() and path != town.settings:
            content = path.read_bytes()
            found += [(str(path), secret[:12]) for secret in secrets if secret.encode() in content]
    snapshot = town.get("state/snapshot")
    kept = json.dumps({name: snapshot[name] for name in ("drive", "sheets")})
    found += [("drive or sheet", secret[:12]) for secret in secrets if secret in kept]
    assert found == []
    assert (town.home / "report.html").stat().st_size > 1000
    assert town.settings.stat().st_mode & 0o077 == 0


def google_tokens(town):
    """The access tokens that Google gave out in return for the refresh token."""
    town.post("state/save", {"dir": str(town.home.parent / "state")})
    state = json.loads((town.home.parent / "state" / "state.json").read_text(encoding="utf-8"))
    tokens = [token for token in find_strings(state["services"]["identity"]) if token.startswith("ya29.")]
    assert tokens
    return tokens


def find_strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from find_strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from find_strings(each)


def everything(town, tmp_path, shop_token):
    """Every command, going well and going wrong; what each said."""
    said = {}

    def run(*arguments, **more):
        done = town.run(*arguments, **more)
        said[" ".join(map(str, arguments)) + f" #{len(said)}"] = done.out + done.err
        return done

    run("connect", "show")
    run("connect", "show", "--json")
    run("doctor")
    assert run("import").status == 0
    town.prices(6)
    assert run("plan").status == 0
    town.fault(
        "status", service="shopify", operation="*BulkUpdate*", status=400, message=f"Bad token {shop_token} and {TOKEN}"
    )
    town.fault(
        "user-errors", service="shopify", operation="*BulkUpdate*", nth=3, message=f"Token {TOKEN} is not allowed"
    )
    run("apply", "last", "--batch-size", "3")
    town.forget_faults()
    run("jobs", "show", "last")
    run("jobs", "list", "--json")
    page, table = tmp_path / "home" / "report.html", tmp_path / "home" / "report.csv"
    assert run("report", "last", "--html", page, "--csv", table).status == 0
    run("report", "last", "--json")
    town.fault("status", service="sheets", status=401, times="forever", message=f"Invalid {shop_token}")
    assert run("plan").status == 3
    assert run("verify", "--json").status == 3
    town.forget_faults()
    town.merchant("revoke_token", token=shop_token)
    assert run("plan", "--json").status == 3
    assert run("export", "--yes").status == 3
    run("verify", env={"SHEETS_CATALOG_CONNECTION": str(tmp_path / "nowhere.json")})
    process = town.start("import")
    process.signal(signal.SIGTERM)
    ended = process.ended()
    said["import, stopped"] = ended.out + ended.err
    return said
