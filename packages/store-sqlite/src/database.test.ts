import { StackyardError } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { toStoreError } from "./database.ts";

function aSqliteError(errcode: number): Error {
  return Object.assign(new Error("driver"), { code: "ERR_SQLITE_ERROR", errcode, errstr: "what SQLite says" });
}

describe("toStoreError", () => {
  it.each([
    ["SQLITE_CORRUPT", 11, "STORE_CORRUPT", false],
    ["SQLITE_CORRUPT_INDEX", 779, "STORE_CORRUPT", false],
    ["SQLITE_NOTADB", 26, "STORE_CORRUPT", false],
    ["SQLITE_FULL", 13, "STORE_UNAVAILABLE", true],
    ["SQLITE_IOERR_WRITE", 778, "STORE_UNAVAILABLE", true],
    ["SQLITE_BUSY", 5, "STORE_UNAVAILABLE", true],
    ["SQLITE_READONLY", 8, "STORE_UNAVAILABLE", true],
  ])("gives %s (%i) the code %s and keeps the cause", (_name, errcode, code, retryable) => {
    const cause = aSqliteError(errcode);

    expect(toStoreError(cause, "yard.db")).toMatchObject({ code, retryable, cause });
  });

  it("says what to do about a full disk", () => {
    expect(toStoreError(aSqliteError(13), "yard.db")).toMatchObject({
      message: expect.stringContaining("Free some space"),
    });
  });

  it("says once what SQLite says, and what the driver adds", () => {
    const alike = Object.assign(new Error("disk I/O error"), { errcode: 778, errstr: "disk I/O error" });

    const messages = [alike, aSqliteError(778)].map((error) => toStoreError(error, "yard.db"));

    expect(messages).toMatchObject([
      { message: "The store does not answer: disk I/O error." },
      { message: "The store does not answer: what SQLite says (driver)." },
    ]);
  });

  it("leaves errors of ours and faults of the code alone", () => {
    const ours = new StackyardError("PAYLOAD_TOO_LARGE", "Too large.");
    const fault = new TypeError("x is undefined");

    expect([toStoreError(ours, "yard.db"), toStoreError(fault, "yard.db")]).toEqual([ours, fault]);
  });
});
