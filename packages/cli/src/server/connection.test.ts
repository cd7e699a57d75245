import { type ErrorCode, StackyardError } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { createDisplayFetch, findYardName, withServerAddress } from "./connection.ts";

describe("the yard that a command means", () => {
  it("is that of its flag, before all that the environment says", () => {
    expect(findYardName({ yard: "a" }, { STACKYARD_YARD: "b", STACKYARD_URL: "http://c" })).toBe("a");
  });

  it("is that of the environment where no address is named", () => {
    expect(findYardName({}, { STACKYARD_YARD: "b" })).toBe("b");
    expect(findYardName({}, { STACKYARD_YARD: "b", STACKYARD_URL: "" })).toBe("b");
    expect(findYardName({}, { STACKYARD_YARD: "b", STACKYARD_URL: "http://c" })).toBeUndefined();
    expect(findYardName({ url: "http://c" }, { STACKYARD_YARD: "b" })).toBeUndefined();
    expect(findYardName({}, { STACKYARD_YARD: "" })).toBeUndefined();
  });

  it("cannot be combined with an address", () => {
    expect(() => findYardName({ yard: "a", url: "http://c" }, {})).toThrow(expect.objectContaining({ code: "USAGE" }));
  });
});

describe("withServerAddress", () => {
  const fetchFailed = (code: string, message: string) =>
    new TypeError("fetch failed", { cause: Object.assign(new Error(message), { code }) });
  const unreachable = (code: string, message: string) =>
    new StackyardError("UNREACHABLE", "The server cannot be reached.", {
      details: { server: { url: "https://yard", kind: "unreached" } },
      cause: fetchFailed(code, message),
    });
  const foreign = (code: ErrorCode, status: number) =>
    new StackyardError(code, `The server answered ${status} Bad.`, {
      details: { server: { url: "https://yard", kind: "foreign", status } },
    });

  it.each([
    ["ECONNREFUSED", "connect ECONNREFUSED 127.0.0.1:1", "connect ECONNREFUSED 127.0.0.1:1", undefined],
    // Reported: akuity/kargo#2271
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate", "self-signed certificate", "NODE_EXTRA_CA_CERTS"],
    ["CERT_HAS_EXPIRED", "certificate has expired", "certificate has expired", "clock"],
    // Reported: hatchet-dev/hatchet#474
    [
      "ERR_SSL_WRONG_VERSION_NUMBER",
      "C0:error:0A00010B:SSL routines:x.c:77:\n",
      "wrong version number",
      "http address",
    ],
  ])("says why no server was reached: %s", (code, message, reason, hint) => {
    expect(withServerAddress(unreachable(code, message))).toMatchObject({
      code: "UNREACHABLE",
      message: `The server cannot be reached at https://yard: ${reason}.`,
      details: hint === undefined ? {} : { hint: expect.stringContaining(hint) },
    });
  });

  it.each([502, 503, 504])("says of a proxy's page with %i that the server behind it does not answer", (status) => {
    expect(withServerAddress(foreign(status === 504 ? "TIMED_OUT" : "UNREACHABLE", status))).toMatchObject({
      message: `The server answered ${status} Bad at https://yard.`,
      details: { hint: expect.stringContaining("A proxy answers there") },
    });
  });

  // Reported: runatlantis/atlantis#288 (the page of an nginx that has no server of that name)
  it("does not say so of a page with 404", () => {
    const found = withServerAddress(foreign("UNREACHABLE", 404));

    expect(found).toMatchObject({ message: "The server answered 404 Bad at https://yard." });
    expect(found).not.toMatchObject({ details: { hint: expect.anything() } });
  });

  it("leaves an error of another service as it is, whatever its words", () => {
    const error = new StackyardError("UNREACHABLE", "The server cannot be reached.");

    expect(withServerAddress(error)).toBe(error);
  });
});

const HOSTILE = "X\n2026-01-01 pr-1  CLOSE  applied\u001b[2J\u009b1m\u202e\u2028\r\t";
const ESCAPED = "X\\n2026-01-01 pr-1  CLOSE  applied\\u001b[2J\\u009b1m\\u202e\\u2028\\r\\t";

const answer = (body: string | ReadableStream<Uint8Array<ArrayBuffer>>, type: string, status = 200) =>
  createDisplayFetch(
    async () => new Response(body, { status, headers: { "content-type": type, "x-request-id": "r" } }),
  );
const read = async (body: unknown, status = 200) => {
  const response = await answer(JSON.stringify(body), "application/json", status)("http://yard");
  return response.json();
};

describe("createDisplayFetch", () => {
  it("escapes what forges lines or moves a cursor in every name, value and key", async () => {
    const value = {
      event: HOSTILE,
      sent: [HOSTILE],
      metadata: { [HOSTILE]: HOSTILE, n: 5, none: null },
      reason: HOSTILE,
    };

    expect(await read({ items: [value] })).toEqual({
      items: [{ event: ESCAPED, sent: [ESCAPED], metadata: { [ESCAPED]: ESCAPED, n: 5, none: null }, reason: ESCAPED }],
    });
  });

  it("keeps the lines of texts that have some, but none of them begins where a row begins", async () => {
    expect(await read({ description: "one\ntwo\r\n\tthree\u001b[2J", message: "a\nb" })).toEqual({
      description: "one\n    two\n    \tthree\\u001b[2J",
      message: "a\n    b",
    });
  });

  it("leaves a machine's document unchanged", async () => {
    expect(await read({ source: "version: 1\n\tevents:\n" })).toEqual({ source: "version: 1\n\tevents:\n" });
  });

  it("keeps status and headers, and answers of other types and without a body", async () => {
    const problem = await answer('{"detail":"a\\nb"}', "application/problem+json; charset=utf-8", 409)("http://yard");
    const log = await answer("one\ntwo", "text/plain")("http://yard");
    const nothing = await createDisplayFetch(async () => new Response(null, { status: 204 }))("http://yard");

    expect([problem.status, problem.headers.get("x-request-id"), await problem.json()]).toEqual([
      409,
      "r",
      { detail: "a\\nb" },
    ]);
    expect(await log.text()).toBe("one\ntwo");
    expect(nothing.status).toBe(204);
  });

  it("leaves invalid JSON to the reader", async () => {
    expect(await (await answer("{", "application/json")("http://yard")).text()).toBe("{");
  });

  it("escapes in a stream of events too, wherever its pieces are cut", async () => {
    const text = `id: 1\nevent: history\ndata: ${JSON.stringify({ event: HOSTILE, at: "ä" })}\n\n: still here\n\n`;
    const bytes = new TextEncoder().encode(text);
    const pieces = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });

    const response = await answer(pieces, "text/event-stream")("http://yard");

    const data = JSON.stringify({ event: ESCAPED, at: "ä" });
    expect(await response.text()).toBe(`id: 1\nevent: history\ndata: ${data}\n\n: still here\n\n`);
  });

  it("ends a stream when its reader does", async () => {
    let isCancelled = false;
    const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode(": still here\n"));
      },
      cancel() {
        isCancelled = true;
      },
    });
    const response = await answer(endless, "text/event-stream")("http://yard");

    await response.body?.cancel();

    expect(isCancelled).toBe(true);
  });
});
