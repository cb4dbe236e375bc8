"""Uploads, downloads and batches through google-api-python-client and gspread."""

from __future__ import annotations

import csv
import hashlib
import io
import random

import gspread
import pytest
import requests
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaInMemoryUpload, MediaIoBaseDownload, MediaIoBaseUpload

from sheets_catalog.sandbox import Sandbox
from tests.sandbox.clients import close_clients, control, drive_service, gspread_client, ledger, plain_session, reason

__all__ = ["close_clients"]
SHEET = "application/vnd.google-apps.spreadsheet"
BYTES = random.Random(1).randbytes(600_000)


@pytest.fixture
def sandbox():
    with Sandbox.start("empty", speed=1000.0, latency="none") as running:
        running.gateway.quota.enabled = False
        yield running
        assert not running.gateway.crashes


@pytest.fixture
def files(sandbox):
    return drive_service(sandbox.url).files()


def refusal(request):
    with pytest.raises(HttpError) as caught:
        request.execute()
    return reason(caught.value)


def download(files, file_id, chunk=256 * 1024):
    buffer = io.BytesIO()
    reader = MediaIoBaseDownload(buffer, files.get_media(fileId=file_id), chunksize=chunk)
    while not reader.next_chunk()[1]:
        pass
    return buffer.getvalue()


class TestUploads:
    @pytest.mark.parametrize("data", [BYTES[:1000], b"", b"\r\n--x\r\n\r\n\n", b"a\r\rb\n\r"])
    def test_multipart_keeps_every_byte(self, files, data):
        media = MediaInMemoryUpload(data, "image/png")
        made = files.create(body={"name": "a.png"}, media_body=media, fields="*").execute()
        assert (made["size"], made["mimeType"]) == (str(len(data)), "image/png")
        assert made["sha256Checksum"] == hashlib.sha256(data).hexdigest()
        assert made["sha1Checksum"] == hashlib.sha1(data).hexdigest()
        assert made["md5Checksum"] == hashlib.md5(data).hexdigest()
        assert (made["fileExtension"], made["originalFilename"]) == ("png", "a.png")
        if data:
            assert download(files, made["id"]) == data

    def test_resumable_in_chunks(self, sandbox, files):
        media = MediaIoBaseUpload(io.BytesIO(BYTES), "video/mp4", chunksize=256 * 1024, resumable=True)
        request = files.create(
            body={"name": "film.mp4", "appProperties": {"op": "1"}}, media_body=media, fields="id,size"
        )
        progress = []
        answer = None
        while answer is None:
            status, answer = request.next_chunk()
            progress.append(status.resumable_progress if status else None)
        assert progress == [262_144, 524_288, None]
        assert answer["size"] == "600000"
        assert download(files, answer["id"]) == BYTES
        assert len(ledger(sandbox.url, "drive.files.create")) == 1
        operations = control(sandbox.url, "requests")["operations"]
        assert operations["drive.files.create.chunk"] == {"200": 1, "308": 2}

    def test_resumable_asks_where_to_go_on_and_a_repeated_end_makes_no_twin(self, sandbox):
        session = plain_session()
        start = session.post(sandbox.url + "/upload/drive/v3/files?uploadType=resumable", json={"name": "x"}, timeout=5)
        address = start.headers["Location"]
        first = {"Content-Range": "bytes 0-262143/300000"}
        assert session.put(address, data=BYTES[:262_144], headers=first, timeout=5).status_code == 308
        asked = session.put(address, headers={"Content-Range": "bytes */300000"}, timeout=5)
        assert (asked.status_code, asked.headers["Range"]) == (308, "bytes=0-262143")
        last = {"Content-Range": "bytes 262144-299999/300000"}
        done = [session.put(address, data=BYTES[262_144:300_000], headers=last, timeout=5).json() for _ in range(2)]
        assert done[0] == done[1]
        assert len(ledger(sandbox.url, "drive.files.create")) == 1

    def test_resumable_protocol_errors(self, sandbox):
        session = plain_session()
        start = session.post(sandbox.url + "/upload/drive/v3/files?uploadType=resumable", json={}, timeout=5)
        address = start.headers["Location"]
        odd = session.put(address, data=b"12345", headers={"Content-Range": "bytes 0-4/10"}, timeout=5)
        assert odd.status_code == 400
        wrong = session.put(address, data=b"12345", headers={"Content-Range": "bytes 0-9/10"}, timeout=5)
        assert wrong.status_code == 400
        gap = session.put(address, data=b"12345", headers={"Content-Range": "bytes 5-9/10"}, timeout=5)
        assert (gap.status_code, "Range" in gap.headers) == (308, False)
        assert session.delete(address, timeout=5).status_code == 499
        assert session.put(address, data=b"1", timeout=5).status_code == 404

    def test_new_content_of_a_file(self, files):
        file_id = files.create(body={"name": "x"}, media_body=MediaInMemoryUpload(b"one", "text/plain")).execute()["id"]
        before = files.get(fileId=file_id, fields="headRevisionId,version").execute()
        media = MediaInMemoryUpload(b"three", "text/plain")
        after = files.update(fileId=file_id, media_body=media, fields="headRevisionId,version,size").execute()
        assert after["size"] == "5"
        assert after["headRevisionId"] != before["headRevisionId"]
        assert int(after["version"]) > int(before["version"])

    def test_with_a_generated_id(self, files):
        (file_id,) = files.generateIds(count=1).execute()["ids"]
        media = MediaInMemoryUpload(b"state", "application/json")
        assert files.create(body={"id": file_id}, media_body=media).execute()["id"] == file_id
        assert refusal(files.create(body={"id": file_id}, media_body=media)) == (409, "fileIdInUse")

    def test_broken_multipart_is_refused(self, sandbox):
        headers = {"Content-Type": "multipart/related; boundary=b"}
        url = sandbox.url + "/upload/drive/v3/files?uploadType=multipart"
        for data in (b"", b"--b\r\n\r\n{}\r\n--b--", b"--b\r\n\r\n{\r\n--b\r\n\r\nx\r\n--b--"):
            answer = plain_session().post(url, data=data, headers=headers, timeout=5)
            assert answer.status_code == 400, data
        assert ledger(sandbox.url) == []


class TestDownloads:
    def test_ranges(self, sandbox, files):
        file_id = files.create(body={"name": "x"}, media_body=MediaInMemoryUpload(BYTES, "text/plain")).execute()["id"]
        url = f"{sandbox.url}/drive/v3/files/{file_id}?alt=media"

        def part(header):
            answer = plain_session().get(url, headers={"Range": header}, timeout=5)
            return answer.status_code, answer.content, answer.headers.get("Content-Range")

        assert part("bytes=10-19") == (206, BYTES[10:20], "bytes 10-19/600000")
        assert part("bytes=599990-") == (206, BYTES[-10:], "bytes 599990-599999/600000")
        assert part("bytes=-5") == (206, BYTES[-5:], "bytes 599995-599999/600000")
        assert part("bytes=600000-") == (416, b"", "bytes */600000")

    def test_generated_content_agrees_with_its_checksum(self, sandbox, files):
        (file_id,) = control(sandbox.url, "seed/drive", {"files": [{"name": "x.bin", "size": 300_001}]})["ids"]
        data = download(files, file_id)
        assert len(data) == 300_001
        assert files.get(fileId=file_id, fields="md5Checksum").execute()["md5Checksum"] == hashlib.md5(data).hexdigest()
        part = plain_session().get(
            f"{sandbox.url}/drive/v3/files/{file_id}?alt=media", headers={"Range": "bytes=4000-9000"}, timeout=5
        )
        assert part.content == data[4000:9001]

    def test_native_files_are_exported_not_downloaded(self, files):
        sheet = files.create(body={"name": "x", "mimeType": SHEET}).execute()["id"]
        assert refusal(files.get_media(fileId=sheet)) == (403, "fileNotDownloadable")
        plain = files.create(body={"name": "x"}).execute()["id"]
        assert refusal(files.export(fileId=plain, mimeType="text/csv")) == (403, "fileNotExportable")
        assert refusal(files.export(fileId=sheet, mimeType="image/png")) == (400, "invalid")


class TestSpreadsheets:
    """A spreadsheet is a Drive file: both services must agree on it."""

    @pytest.fixture(autouse=True)
    def sheets(self, sandbox):
        if "sheets" not in sandbox.services:
            pytest.skip("the Sheets service is not part of this sandbox")

    def test_made_by_drive_written_by_sheets_exported_by_drive(self, sandbox, files):
        file_id = files.create(body={"name": "Book", "mimeType": SHEET}).execute()["id"]
        before = files.get(fileId=file_id, fields="version,modifiedTime").execute()
        book = gspread_client(sandbox.url).open_by_key(file_id)
        book.sheet1.update([["a", "b"], ["1", "ü"]])
        after = files.get(fileId=file_id, fields="version,modifiedTime").execute()
        assert int(after["version"]) > int(before["version"])
        assert after["modifiedTime"] >= before["modifiedTime"]
        exported = files.export(fileId=file_id, mimeType="text/csv").execute().decode()
        assert list(csv.reader(io.StringIO(exported))) == [["a", "b"], ["1", "ü"]]

    def test_copied_with_its_cells(self, sandbox, files):
        client = gspread_client(sandbox.url)
        source = client.create("Template")
        source.sheet1.update([["keep me"]])
        copied = files.copy(fileId=source.id, body={"name": "Filled"}).execute()["id"]
        source.sheet1.update([["changed"]])
        assert client.open_by_key(copied).sheet1.acell("A1").value == "keep me"
        assert client.open_by_key(copied).title == "Filled"

    def test_renamed_on_either_side(self, sandbox, files):
        client = gspread_client(sandbox.url)
        book = client.create("one")
        files.update(fileId=book.id, body={"name": "two"}).execute()
        assert client.open_by_key(book.id).title == "two"
        client.open_by_key(book.id).update_title("three")
        assert files.get(fileId=book.id).execute()["name"] == "three"

    def test_deleted_and_not_shared(self, sandbox, files):
        client = gspread_client(sandbox.url)
        book = client.create("private")
        bea = control(sandbox.url, "tokens", {"email": "bea@example.com"})["access_token"]
        with pytest.raises(PermissionError):
            gspread_client(sandbox.url, bea).open_by_key(book.id)
        book.share("bea@example.com", perm_type="user", role="reader", notify=False)
        reader = gspread_client(sandbox.url, bea).open_by_key(book.id)
        with pytest.raises(gspread.exceptions.APIError) as caught:
            reader.sheet1.update([["no"]])
        assert caught.value.code == 403
        files.delete(fileId=book.id).execute()
        with pytest.raises(gspread.SpreadsheetNotFound):
            client.open_by_key(book.id)

    def test_csv_imported_through_v2(self, sandbox):
        client = gspread_client(sandbox.url)
        book = client.create("import")
        client.import_csv(book.id, "a,b\n1,2\n")
        assert client.open_by_key(book.id).sheet1.get() == [["a", "b"], ["1", "2"]]

    def test_csv_converted_on_upload(self, sandbox, files):
        media = MediaInMemoryUpload(b"a,b\n1,2\n", "text/csv")
        made = files.create(body={"name": "x", "mimeType": SHEET}, media_body=media).execute()
        assert gspread_client(sandbox.url).open_by_key(made["id"]).sheet1.get() == [["a", "b"], ["1", "2"]]

    def test_a_service_account_cannot_own_one(self, sandbox):
        robot = control(sandbox.url, "tokens", {"email": "robot@x.iam.gserviceaccount.com"})["access_token"]
        with pytest.raises(gspread.exceptions.APIError) as caught:
            gspread_client(sandbox.url, robot).create("x")
        assert caught.value.code == 403


class TestBatch:
    def run(self, sandbox, *requests_):
        answers = {}
        batch = drive_service(sandbox.url).new_batch_http_request(
            callback=lambda number, answer, error: answers.__setitem__(number, error or answer)
        )
        for request in requests_:
            batch.add(request)
        batch.execute()
        return [answers[number] for number in sorted(answers, key=int)]

    def test_parts_are_answered_one_by_one(self, sandbox, files):
        made, missing, named = self.run(
            sandbox, files.create(body={"name": "größe"}), files.get(fileId="nope"), files.create(body={"name": "two"})
        )
        assert made["name"] == "größe"
        assert missing.status_code == 404
        assert named["name"] == "two"

    def test_every_part_is_counted_and_faulted_by_itself(self, sandbox, files):
        control(sandbox.url, "faults", {"kind": "status", "status": 503, "operation": "drive.files.create", "nth": 2})
        answers = self.run(sandbox, *(files.create(body={"name": name}) for name in "abc"))
        assert [getattr(answer, "status_code", 200) for answer in answers] == [200, 503, 200]
        operations = control(sandbox.url, "requests")["operations"]
        assert operations["drive.batch"] == {"200": 1}
        assert operations["drive.files.create"] == {"200": 2, "503": 1}

    def test_a_hundred_parts_at_most(self, sandbox, files):
        with pytest.raises(HttpError) as caught:
            self.run(sandbox, *(files.get(fileId="root") for _ in range(101)))
        assert caught.value.status_code == 400

    def test_a_fault_of_the_connection_cuts_the_whole_batch(self, sandbox):
        control(sandbox.url, "faults", {"kind": "reset", "operation": "drive.files.create", "nth": 2, "when": "after"})
        part = '--b\r\nContent-Type: application/http\r\n\r\nPOST /drive/v3/files HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{"name":"x"}\r\n'
        body = (part * 3 + "--b--").encode()
        with pytest.raises(requests.exceptions.ConnectionError):
            plain_session().post(
                sandbox.url + "/batch/drive/v3",
                data=body,
                headers={"Content-Type": "multipart/mixed; boundary=b"},
                timeout=5,
            )
        assert len(ledger(sandbox.url, "drive.files.create")) == 2
