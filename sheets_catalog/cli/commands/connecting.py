"""`connect sandbox|google|shopify|show|forget`. What is saved was opened first; secrets are never echoed."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sheets_catalog.cli import options
from sheets_catalog.cli.epilog import examples
from sheets_catalog.cli.leaves import taught
from sheets_catalog.cli.screen import Screen, screen_for
from sheets_catalog.cli.statuses import Exit

if TYPE_CHECKING:
    import requests

    from sheets_catalog.flows.connection import Connection, GoogleSettings, ShopifySettings, Systems

app = typer.Typer(
    help="Say which sheet, folder and shop belong together; each is opened before it is saved.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog=examples(
        ("sheets-catalog connect google --service-account key.json --spreadsheet LINK", "a sheet shared with the key"),
        ("sheets-catalog connect shopify --shop my-shop", "asks for the token without showing it"),
        ("sheets-catalog connect sandbox http://127.0.0.1:8080", "a sandbox that runs on this machine"),
    ),
)

GOOGLE_TOKEN, SHOPIFY_TOKEN = "SHEETS_CATALOG_GOOGLE_TOKEN", "SHEETS_CATALOG_SHOPIFY_TOKEN"
SHOPIFY_SECRET = "SHEETS_CATALOG_SHOPIFY_CLIENT_SECRET"  # noqa: S105 - a name
_SIGN_IN = f"--service-account, --authorized-user or {GOOGLE_TOKEN}"
_SHOP_ACCESS = f"--client-id with --client-secret-file, or --token-file or {SHOPIFY_TOKEN}"
FOLDER_NAME = "Sheets Catalog"
FOLDER_MARK = {"kind": "home"}

CREDENTIALS, PLACES = "Credentials", "Places"

Name = Annotated[
    str, typer.Option("--name", "-n", metavar="NAME", help="What to call it.", rich_help_panel=options.COMMON)
]
KeyFile = Annotated[
    Path | None,
    options.value("--service-account", metavar="FILE", help="Key file of a service account.", panel=CREDENTIALS),
]
UserFile = Annotated[
    Path | None,
    options.value("--authorized-user", metavar="FILE", help="File of a signed-in user.", panel=CREDENTIALS),
]
TokenFile = Annotated[
    Path | None,
    options.value("--token-file", metavar="FILE", help="File with only the access token in it.", panel=CREDENTIALS),
]
Token = Annotated[
    str,
    options.value(
        "--access-token",
        metavar="TOKEN",
        help="The token itself: others on this machine can see it. Prefer a file or the environment.",
        panel=CREDENTIALS,
    ),
]
AllFiles = Annotated[
    bool,
    options.flag(
        "--all-drive-files",
        help="With --subject: ask for all files of that user, not only those made by or picked for this app.",
        panel=CREDENTIALS,
    ),
]
Subject = Annotated[
    str, options.value("--subject", metavar="EMAIL", help="User a service account acts for.", panel=CREDENTIALS)
]
Spreadsheet = Annotated[
    str, options.value("--spreadsheet", metavar="LINK", help="Link or id of the sheet.", panel=PLACES)
]
Create = Annotated[str, options.value("--create", metavar="TITLE", help="Make a new spreadsheet.", panel=PLACES)]
Folder = Annotated[
    str,
    options.value(
        "--folder",
        metavar="LINK",
        help=f"Drive folder for jobs and baseline. Left out: “{FOLDER_NAME}” is found or made.",
        panel=PLACES,
    ),
]
ShopDomain = Annotated[str, options.value("--shop", metavar="DOMAIN", help="my-shop.myshopify.com, or just my-shop.")]
ClientId = Annotated[
    str,
    options.value("--client-id", metavar="ID", help="Client id of your app, instead of a token.", panel=CREDENTIALS),
]
SecretFile = Annotated[
    Path | None,
    options.value(
        "--client-secret-file", metavar="FILE", help="File with only the app's secret in it.", panel=CREDENTIALS
    ),
]
Where = Annotated[
    str,
    typer.Argument(
        metavar="URL|FILE|JSON",
        help="Its address, a file with the line it printed, that line itself, or - for stdin.",
        show_default=False,
    ),
]


@app.command("sandbox", epilog=taught("connect sandbox"))
def sandbox(
    where: Where,
    name: Name = "sandbox",
    json: options.Json = False,
) -> int:
    """Connect to a sandbox that runs on this machine."""
    from sheets_catalog.cli.connections import from_bytes, tasks_of
    from sheets_catalog.flows.connection import open_systems, save

    screen = screen_for(json=json)
    content, said_by = _told(where)
    connection = from_bytes(content, said_by)
    facts = _google_facts(open_systems(connection)) | _shop_facts(open_systems(connection)) | tasks_of(content)
    path = save(connection, name)
    return _tell(screen, name, path, facts, "")


@app.command("google", epilog=taught("connect google"))
def google(
    name: Name = "default",
    service_account: KeyFile = None,
    authorized_user: UserFile = None,
    token_file: TokenFile = None,
    access_token: Token = "",
    subject: Subject = "",
    all_drive_files: AllFiles = False,
    spreadsheet: Spreadsheet = "",
    create: Create = "",
    folder: Folder = "",
    root_url: Annotated[str, typer.Option(hidden=True, help="Another address that speaks Google's protocols.")] = "",
    json: options.Json = False,
) -> int:
    """Connect the Google side: credentials, spreadsheet and folder."""
    from sheets_catalog.cli import drafts
    from sheets_catalog.flows.connection import SHARED_FILES, GoogleSettings

    screen = screen_for(json=json)
    token = _secret(screen, access_token, token_file, "" if service_account or authorized_user else GOOGLE_TOKEN)
    if not (service_account or authorized_user or token):
        service_account = Path(_asked(screen, "Path of the service account's key file", _SIGN_IN))
    settings = GoogleSettings(
        service_account_file=_absolute(service_account),
        authorized_user_file=_absolute(authorized_user),
        access_token=token,
        subject=subject,
        features=SHARED_FILES if all_drive_files else (),
        root_url=root_url,
    )
    if not (spreadsheet or create):
        spreadsheet = _asked(screen, "Link of the spreadsheet", "--spreadsheet or --create")
    systems = _google_alone(settings, drafts.known(name))
    spreadsheet_id, folder_id = _places(systems, spreadsheet, create, folder)
    places = {"spreadsheet_id": spreadsheet_id, "folder_id": folder_id}
    facts = _google_facts(_google_alone(settings, places))
    part = {
        "google": settings,
        "spreadsheet_id": spreadsheet_id,
        "folder_id": folder_id,
        "actor": facts["Google account"],
    }
    path, _ = drafts.merge(name, _plain(part))
    return _tell(screen, name, path, facts, drafts.missing(name))


@app.command("shopify", epilog=taught("connect shopify"))
def shopify(
    shop: ShopDomain = "",
    name: Name = "default",
    token_file: TokenFile = None,
    access_token: Token = "",
    client_id: ClientId = "",
    client_secret_file: SecretFile = None,
    base_url: Annotated[str, typer.Option(hidden=True, help="Another address, on this machine only.")] = "",
    json: options.Json = False,
) -> int:
    """Connect the shop: its domain, and a token or an app's credentials."""
    from sheets_catalog.cli import drafts
    from sheets_catalog.flows.connection import ShopifySettings

    screen = screen_for(json=json)
    shop = shop or _asked(screen, "The shop's myshopify.com domain", "--shop")
    domain = shop.strip().lower().removeprefix("https://").rstrip("/")
    domain = domain if "." in domain else f"{domain}.myshopify.com"
    secret = _secret(screen, "", client_secret_file, SHOPIFY_SECRET) if client_id else ""
    token = "" if client_id else _secret(screen, access_token, token_file, SHOPIFY_TOKEN)
    if client_id and not secret:
        secret = _asked(screen, "The app's client secret", f"--client-secret-file or {SHOPIFY_SECRET}", hidden=True)
    if not client_id and not token:
        token = _asked(screen, "Admin API access token", _SHOP_ACCESS, hidden=True)
    settings = ShopifySettings(domain, token, client_id, secret, base_url)
    facts = _shop_facts(_shop_alone(settings))
    path, _ = drafts.merge(name, _plain({"shopify": settings}))
    return _tell(screen, name, path, facts, drafts.missing(name))


@app.command("show", epilog=taught("connect show"))
def show(json: options.Json = False) -> int:
    """List the saved connections, without their secrets."""
    from rich.text import Text

    from sheets_catalog.cli import drafts
    from sheets_catalog.cli.views.parts import table
    from sheets_catalog.flows import connection as connections

    screen = screen_for(json=json)
    found = [_shown(name, connections.load(name)) for name in connections.saved()]
    unfinished = [{"name": name, "missing": drafts.missing(name)} for name in drafts.names()]
    made = table("", "Name", "Shop", "Spreadsheet", "Google", "Sandbox")
    for each in found:
        made.add_row(*(Text(str(each[key])) for key in ("name", "shop", "spreadsheet_id", "google", "sandbox")))
    nothing = "No connection yet: `sheets-catalog connect google`, `connect sandbox`, or try `demo`."
    screen.show(made if found else Text(nothing))
    for each in unfinished:
        screen.show(Text(f"“{each['name']}” is not complete: connect {each['missing']}.", style="yellow"))
    screen.answer({"connections": found, "unfinished": unfinished, "home": str(connections.home())})
    return Exit.OK


@app.command("forget", epilog=taught("connect forget"))
def forget(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The connection to forget.", show_default=False)],
    json: options.Json = False,
) -> int:
    """Delete a connection's settings from this machine. Sheet, shop and audit stay as they are."""
    from sheets_catalog.cli import drafts
    from sheets_catalog.errors import SettingsError
    from sheets_catalog.flows import connection as connections
    from sheets_catalog.flows.near import suggestion

    screen = screen_for(json=json)
    if not drafts.forget(name):
        known = suggestion(name, [*connections.saved(), *drafts.names()], "there is")
        advice = f"{known} See `sheets-catalog connect show`.".strip()
        raise SettingsError(f"There is no connection called “{name}”.", advice=advice)
    screen.say(f"Forgot “{name}”.")
    screen.answer({"forgotten": name})
    return Exit.OK


# -- opening what is about to be saved ------------------------------------------------------------------------------


def _google_alone(settings: GoogleSettings, known: dict[str, Any]) -> Systems:
    """Google's systems without a shop: nothing is sent to the one that is named here."""
    from sheets_catalog.flows.connection import Connection, ShopifySettings, open_systems

    nowhere = ShopifySettings("not-connected-yet.myshopify.com", access_token="none")  # noqa: S106 - there is none
    return open_systems(
        Connection(settings, nowhere, known.get("spreadsheet_id", ""), known.get("folder_id", ""), timeout=60)
    )


def _shop_alone(settings: ShopifySettings) -> Systems:
    """The shop's systems without Google: nothing is sent to Google."""
    from sheets_catalog.flows.connection import Connection, GoogleSettings, open_systems

    return open_systems(Connection(GoogleSettings(access_token="none"), settings, "", ""))  # noqa: S106 - there is none


def _places(systems: Systems, spreadsheet: str, create: str, folder: str) -> tuple[str, str]:
    """Ids of the spreadsheet and the folder, made where that was asked for."""
    from sheets_catalog.google.files import FOLDER

    folder_id = (
        _id_of(folder, "--folder", "a Drive folder", "https://drive.google.com/drive/folders/…") if folder else ""
    )
    sheet = "" if create else _id_of(spreadsheet, "--spreadsheet", "a spreadsheet", _SHEET_LINK)
    spreadsheet_id = systems.sheets.create(create) if create else sheet
    if folder_id:
        return spreadsheet_id, folder_id
    found = next(iter(systems.drive.find(app_properties=FOLDER_MARK, mime_type=FOLDER)), None)
    if found:
        return spreadsheet_id, found.id
    (folder_id,) = systems.drive.generate_ids(1)
    systems.drive.create_folder(folder_id, FOLDER_NAME, app_properties=FOLDER_MARK)
    return spreadsheet_id, folder_id


_SHEET_LINK = "https://docs.google.com/spreadsheets/d/…"


def _id_of(given: str, option: str, what: str, example: str) -> str:
    """The id in a link. Raises `InputError` that names the option."""
    from sheets_catalog.errors import InputError
    from sheets_catalog.google.links import file_id_from

    try:
        return file_id_from(given)
    except InputError as error:
        raise InputError(
            f"{option}: “{given}” is neither the link nor the id of {what}.",
            advice=f"Open it in the browser and paste its address, such as {example}",
        ) from error


def _google_facts(systems: Systems) -> dict[str, str]:
    """Opens spreadsheet and folder. Raises `AccessError`, `InputError` or `UpstreamError`."""
    from sheets_catalog.errors import InputError

    about = systems.drive.about()
    info = systems.sheets.info(systems.connection.spreadsheet_id)
    folder = systems.drive.get(systems.connection.folder_id)
    if not folder.is_folder or folder.trashed or not folder.may("canAddChildren"):
        what = "is in the trash" if folder.trashed else "is no folder this account can add files to"
        raise InputError(f"“{folder.name}” {what}.", advice="Give another folder, or none to have one made.")
    return {
        "Google account": about.user.email_address,
        "Spreadsheet": f"{info.title} ({info.id})",
        "Folder": f"{folder.name} ({folder.id})",
    }


def _shop_facts(systems: Systems) -> dict[str, str]:
    """Opens the shop. Raises `AccessError` or `UpstreamError`."""
    from sheets_catalog.flows.doctor import missing_scopes

    shop = systems.catalogue.shop_info()
    missing = missing_scopes(shop.scopes)
    return {
        "Shop": f"{shop.name} ({shop.domain})",
        "Currency": shop.currency,
        "Missing scopes": ", ".join(missing),
    }


# -- asking, secrets, telling ---------------------------------------------------------------------------------------


def _told(where: str) -> tuple[bytes, str]:
    """What a sandbox says about itself, and who said so."""
    from sheets_catalog.errors import SettingsError

    if where.lstrip().startswith("{"):
        return where.encode(), "the given JSON"
    if where == "-":
        return sys.stdin.readline().encode(), "standard input"
    if re.fullmatch(r"(localhost|127\.0\.0\.1):\d+/?", where):
        where = f"http://{where}"
    if where.startswith(("http://", "https://")):
        return _asked_sandbox(where.rstrip("/")), where
    try:
        return Path(where).expanduser().read_bytes(), where
    except OSError as error:
        raise SettingsError(
            f"{where} cannot be read: {error.strerror or error}.", advice="Give the sandbox's address or its JSON line."
        ) from error


def _asked_sandbox(url: str) -> bytes:
    import requests

    from sheets_catalog.errors import SettingsError
    from sheets_catalog.google.credentials import is_safe_address

    try:
        if not is_safe_address(url):
            raise SettingsError(f"{url} is not on this machine.", advice="A sandbox listens on 127.0.0.1.")
        answer = _answer(f"{url}/_sandbox/connection")
        answer.raise_for_status()
    except requests.RequestException as error:
        raise SettingsError(
            f"No sandbox answers at {url} ({type(error).__name__}).",
            advice="Start one with `sheets-catalog sandbox --port 8080`, and give its address.",
        ) from error
    return answer.content


STARTING = 10.0
"""Seconds that a sandbox is waited for, when nobody listens there yet: it may just have been started."""


def _answer(address: str) -> requests.Response:
    import time

    import requests

    give_up = time.monotonic() + STARTING
    while True:
        try:
            return requests.get(address, timeout=(3, 10), allow_redirects=False)
        except requests.ConnectionError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.2)


def _secret(screen: Screen, given: str, file: Path | None, variable: str) -> str:
    """A secret from the command line (with a warning), a file, or the environment; empty when there is none."""
    from sheets_catalog.errors import SettingsError

    if given:
        screen.say("Warning: a token on the command line is seen by others and kept in the shell's history.", "yellow")
        return given.strip()
    if file is None:
        return os.environ.get(variable, "").strip() if variable else ""
    try:
        found = file.expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}.",
            advice="Give a file that holds only the secret.",
        ) from error
    if not found or any(char.isspace() for char in found):
        raise SettingsError(f"{file} does not hold one secret alone.", advice="Put only the secret into it.")
    return found


def _asked(screen: Screen, question: str, option: str, *, hidden: bool = False) -> str:
    """What a person types; raises `SettingsError` naming the option when nobody is there."""
    from sheets_catalog.errors import SettingsError

    if not screen.interactive:
        raise SettingsError(f"{question} is missing.", advice=f"Give {option}.")
    answer: str = typer.prompt(question, hide_input=hidden, err=True)
    return answer.strip()


def _absolute(path: Path | None) -> str:
    return str(path.expanduser().absolute()) if path else ""


def _plain(part: dict[str, Any]) -> dict[str, Any]:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(part)
    return plain


def _shown(name: str, connection: Connection) -> dict[str, Any]:
    """A connection without its secrets."""
    google = connection.google
    kinds = {
        "service account": google.service_account_file,
        "authorized user": google.authorized_user_file,
        "access token": google.access_token,
    }
    return {
        "name": name,
        "shop": connection.shopify.shop,
        "spreadsheet_id": connection.spreadsheet_id,
        "folder_id": connection.folder_id,
        "google": next((kind for kind, value in kinds.items() if value), "none"),
        "actor": connection.actor,
        "sandbox": "yes" if connection.sandboxed else "",
    }


def _tell(screen: Screen, name: str, path: Path, facts: dict[str, str], missing: str) -> int:
    from sheets_catalog.cli.connections import command_hint
    from sheets_catalog.cli.views.parts import facts as listed
    from sheets_catalog.cli.views.parts import headline

    screen.show(headline("✓", f"Saved as “{name}”", "green"), listed(facts | {"Settings": str(path)}))
    if missing:
        screen.hint("Not complete yet. Next:", f"sheets-catalog connect {missing} --name {name}")
    else:
        screen.hint("Next:", command_hint("doctor", name))
    screen.answer({"connection": name, "path": str(path), "complete": not missing, "missing": missing, "facts": facts})
    return Exit.OK
