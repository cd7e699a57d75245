import { StackyardError } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { isAuthenticationFailure, isDataError, isWorthAnotherTry, toStoreError } from "./database.ts";

function serverError(code: string, message = "it says no"): Error {
  return Object.assign(new Error(message), { severity: "ERROR", code });
}

describe("toStoreError", () => {
  it.each([
    ["28P01", "STORE_UNAVAILABLE", "User or password are wrong"],
    ["28000", "STORE_UNAVAILABLE", "pg_hba.conf"],
    ["3D000", "STORE_UNAVAILABLE", "Create the database"],
    ["42501", "STORE_UNAVAILABLE", "CREATE on the database"],
    ["42P07", "STORE_UNAVAILABLE", "another program"],
    ["42P01", "STORE_UNAVAILABLE", "run the migration"],
    ["53300", "STORE_UNAVAILABLE", "maxConnections"],
    ["57P01", "STORE_UNAVAILABLE", "it says no (57P01)"],
    ["57014", "STORE_UNAVAILABLE", "statementTimeoutMs"],
    ["40001", "STORE_UNAVAILABLE", "40001"],
    ["25006", "STORE_UNAVAILABLE", "primary"],
    ["XX001", "STORE_CORRUPT", "backup"],
    ["22001", "USAGE", "it says no"],
    ["54000", "USAGE", "it says no"],
  ])("converts %s", (code, ours, says) => {
    const cause = serverError(code);

    expect(toStoreError(cause)).toMatchObject({ code: ours, cause, message: expect.stringContaining(says) });
  });

  it.each([
    ["Connection terminated unexpectedly"],
    ["timeout exceeded when trying to connect"],
    ["The server does not support SSL connections"],
  ])("takes the driver's %j as a store that does not answer", (message) => {
    expect(toStoreError(new Error(message))).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
  });

  it.each([
    ["SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string", undefined, "PGPASSWORD"],
    ["getaddrinfo ENOTFOUND ss", "ENOTFOUND", "%40"],
    ["There was an error establishing an SSL connection", undefined, "address and port"],
  ])("says what to do about %j", (message, code, advice) => {
    const error = toStoreError(Object.assign(new Error(message), code && { code }));

    expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", message: expect.stringContaining(advice) });
  });

  it("names the limit of the machine where it cannot connect, and not the server", () => {
    const error = Object.assign(new Error("connect EMFILE 127.0.0.1:5432"), { code: "EMFILE" });

    expect(toStoreError(error)).toMatchObject({ message: expect.stringMatching(/cannot be asked.*LimitNOFILE/) });
  });

  it("takes errors of sockets, names and certificates as such too", () => {
    for (const code of ["ECONNREFUSED", "ENOTFOUND", "EPIPE", "CERT_HAS_EXPIRED"]) {
      expect(toStoreError(Object.assign(new Error("no"), { code }))).toMatchObject({ code: "STORE_UNAVAILABLE" });
    }
  });

  it("leaves errors of ours and faults of the code as they are", () => {
    for (const error of [
      new StackyardError("USAGE", "no"),
      new TypeError("no"),
      serverError("23505"),
      serverError("42703"),
      "text",
    ]) {
      expect(toStoreError(error)).toBe(error);
    }
  });
});

describe("what may be mended", () => {
  it("runs again what was broken off for another's sake", () => {
    expect(["40001", "40P01", "23505"].map((code) => isWorthAnotherTry(serverError(code)))).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("knows refused credentials", () => {
    expect(["28P01", "28000", "42501"].map((code) => isAuthenticationFailure(serverError(code)))).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("knows what the data of one call did", () => {
    const errors = [toStoreError(serverError("22001")), serverError("23505"), toStoreError(serverError("57P01"))];
    expect(errors.map(isDataError)).toEqual([true, true, false]);
  });
});
