"""The Sheets service: spreadsheets by id, who may use them, and the way to Google's methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from sheets_catalog.sandbox.sheets import masks, store
from sheets_catalog.sandbox.sheets.batch.change import Change
from sheets_catalog.sandbox.sheets.call import READ_SCOPES, WRITE_SCOPES, Call, insufficient_scope
from sheets_catalog.sandbox.sheets.document import Book, new_book
from sheets_catalog.sandbox.sheets.methods import ANSWERS, METHODS, READS, ROUTES
from sheets_catalog.sandbox.sheets.recalculation import local_time, refresh
from sheets_catalog.sandbox.sheets.refusals import Refused, invalid, not_a_spreadsheet
from sheets_catalog.sandbox.sheets.values import Access
from sheets_catalog.sandbox.sheets.writing import Input
from sheets_catalog.sandbox.wire import (
    JSON,
    SHEET_TYPE,
    Caller,
    Files,
    Request,
    Response,
    Rule,
    World,
    json_response,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Json: TypeAlias = dict[str, Any]


class Sheets:
    """Google Sheets v4. `files` is the sandbox's Drive: it owns names, permissions and existence."""

    name = "sheets"

    def __init__(self, world: World, files: Files) -> None:
        self.world = world
        self.files = files
        self.books: dict[str, Book] = {}
        files.on_create(SHEET_TYPE, self._created)
        files.on_copy(SHEET_TYPE, self._copied)
        files.on_delete(SHEET_TYPE, self._deleted)
        files.on_rename(SHEET_TYPE, self._renamed)
        files.on_export(SHEET_TYPE, self._exported)
        files.on_import(SHEET_TYPE, self._imported)

    def rules(self) -> Sequence[Rule]:
        return [Rule(path, methods=[method], endpoint=f"sheets.{name}") for name, (method, path) in ROUTES.items()]

    def is_read(self, operation: str, request: Request) -> bool:
        """Whether Google counts the call as a read: some POST methods are."""
        return request.method == "GET" or operation in READS

    def call(self, operation: str, request: Request, args: Mapping[str, str], caller: Caller) -> Response:
        call = Call(operation, request, args, caller)
        name = operation.removeprefix("sheets.")
        mask = call.mask(ANSWERS[name])  # a bad mask is refused before anything is applied
        try:
            answer = METHODS[name](self, call)
        except Refused as refused:
            raise refused.at() from refused
        return json_response(answer if mask is None else masks.shown(answer, mask))

    def dump(self) -> JSON:
        return {book_id: store.dumped(book) for book_id, book in self.books.items()}

    def load(self, state: JSON) -> None:
        self.books = {book_id: store.loaded(book) for book_id, book in state.items()}

    def book(self, call: Call, role: str) -> Book:
        """The book of a call, when the caller may read (`reader`) or write (`writer`) it. Raises GoogleError."""
        scopes = READ_SCOPES if role == "reader" else WRITE_SCOPES
        if not call.caller.has(*scopes):
            raise insufficient_scope()
        self.files.require(call.book_id, call.caller, role)
        book = self.books.get(call.book_id)
        if book is None:
            raise not_a_spreadsheet()
        return book

    def fresh(self, call: Call) -> Book:
        """The same for reading, with formulas computed."""
        book = self.book(call, "reader")
        refresh(book, self.world.clock.now())
        return book

    def access(self, call: Call) -> Access:
        """The caller's rights on the book."""
        role = self.files.access(call.book_id, call.caller)
        return Access(call.caller.email, role, call.caller.app)

    def input(self, book: Book, option: str | None) -> Input:
        """How a write reads its values. Raises GoogleError without a proper option."""
        if option in {None, "INPUT_VALUE_OPTION_UNSPECIFIED"}:
            raise invalid("'valueInputOption' is required but not specified")
        today = local_time(book, self.world.clock.now()).date()
        return Input(typed_in=option == "USER_ENTERED", locale=book.locale, today=today)

    def applied(self, call: Call, effect: Json) -> None:
        """Write one applied request down: in the ledger, and in Drive's version and times."""
        self.files.touched(call.book_id, call.caller)
        self.world.ledger.record(
            service=self.name,
            operation=call.operation,
            target=call.book_id,
            effect=effect,
            actor=call.caller.email,
        )

    def change(self, book: Book, call: Call) -> Change:
        """A batch of changes about to be made on a fork of the book."""
        access = self.access(call)
        return Change(book, access.email, access.role, access.app, self.world.clock.now(), self.new_id)

    def new_id(self) -> int:
        """A random positive number of 31 bits, as ids of sheets and ranges are."""
        return self.world.random.randint(1, 2**31 - 1)

    def _created(self, file_id: str, name: str) -> None:
        self.books[file_id] = new_book(file_id, name)

    def _copied(self, source_id: str, new_id: str, name: str) -> None:
        book = (self.books.get(source_id) or new_book(source_id, name)).fork()
        book.id, book.title = new_id, name
        self.books[new_id] = book

    def _deleted(self, file_id: str) -> None:
        self.books.pop(file_id, None)

    def _renamed(self, file_id: str, name: str) -> None:
        if file_id in self.books:
            self.books[file_id].title = name

    def _exported(self, file_id: str, mime_type: str) -> bytes | None:
        book = self.books.get(file_id) or new_book(file_id, self.files.name(file_id))
        refresh(book, self.world.clock.now())
        return store.exported(book, mime_type)

    def _imported(self, file_id: str, content: bytes, content_type: str) -> None:
        today = self.world.clock.now().date()
        old = self.books.get(file_id) or new_book(file_id, self.files.name(file_id))
        self.books[file_id] = store.imported(old, content, content_type, self.new_id(), today)
