import type { Manifest } from "@stackyard/sdk/artifacts";
import { describe, expect, it } from "vitest";
import { digestOf, PLACE } from "../testing/a-cell.ts";
import { parseReceipt, type ReceivedReceipt } from "./received-receipt.ts";
import { toCellEvent } from "./to-cell-event.ts";

const manifest: Manifest = {
  v: 1,
  name: "billing-api",
  version: "1.4.2",
  createdAt: "2026-11-20T06:00:00Z",
  files: [
    { key: "billing-api/1.4.2/a", size: 1, sha256: digestOf("1") },
    { key: "billing-api/1.4.2/b", size: 2, sha256: digestOf("2") },
  ],
};

function aReceipt(changes: Partial<ReceivedReceipt> = {}): ReceivedReceipt {
  return {
    v: 1,
    artifact: { name: "billing-api", version: "1.4.2", key: "billing-api/1.4.2/b" },
    ...PLACE,
    bucket: "stackyard-artifacts",
    status: "stored",
    code: null,
    verified: true,
    sourceSha256: digestOf("2"),
    storedSha256: digestOf("2"),
    at: "2026-11-20T06:00:10.000Z",
    ...changes,
  };
}

describe("toCellEvent", () => {
  it("finds the file by its key", () => {
    expect(toCellEvent(aReceipt(), manifest)).toEqual({
      kind: "stored",
      file: 1,
      verified: true,
      at: Date.UTC(2026, 10, 20, 6, 0, 10),
    });
  });

  it.each([
    ["of another digest", { sourceSha256: digestOf("9") }],
    ["without a digest", { sourceSha256: null }],
    ["of another file", { artifact: { name: "billing-api", version: "1.4.2", key: "billing-api/1.4.2/c" } }],
    ["of a retirement", { status: "present", code: "RETIRED" }],
    ["of a failure with another digest", { status: "failed", code: "SOURCE_DENIED", sourceSha256: digestOf("9") }],
  ] as const)("does not count one %s", (_, changes) => {
    expect(toCellEvent(aReceipt(changes), manifest)).toBeUndefined();
  });

  it("keeps what a rewritten template has become", () => {
    expect(toCellEvent(aReceipt({ storedSha256: digestOf("7") }), manifest)).toMatchObject({
      rewrittenSha256: digestOf("7"),
    });
  });

  it("tells a failure by its code", () => {
    const receipt = aReceipt({ status: "rejected", code: "URL_HOST", sourceSha256: null, storedSha256: null });

    expect(toCellEvent(receipt, manifest)).toMatchObject({ kind: "rejected", file: 1, code: "URL_HOST" });
  });
});

describe("parseReceipt", () => {
  it("reads what a consumer sends, further fields too", () => {
    const sent = { ...aReceipt(), distributionId: "d-1", messageId: "m-1", attempt: 1, durationMs: 5, size: 2 };

    expect(parseReceipt(sent)).toEqual(sent);
  });

  it.each([
    null,
    "receipt",
    [],
    { ...aReceipt(), v: 2 },
    { ...aReceipt(), account: "1" },
    { ...aReceipt(), region: "../../x" },
    { ...aReceipt(), status: "overdue" },
    { ...aReceipt(), code: "https://bucket.s3.amazonaws.com/key?X-Amz-Signature=1" },
    { ...aReceipt(), at: "2026-13-45T99:00:00Z" },
    { ...aReceipt(), artifact: { name: "../artifact", version: "1", key: "a" } },
    { ...aReceipt(), artifact: { name: "a\u0000", version: "1", key: "a" } },
    { ...aReceipt(), sourceSha256: "ABC" },
  ])("refuses %j", (detail) => {
    expect(parseReceipt(detail)).toBeUndefined();
  });
});
