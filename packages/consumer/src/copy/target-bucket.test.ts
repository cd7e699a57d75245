import { describe, expect, it } from "vitest";
import { anAnnouncement, anOldAnnouncement, digest } from "../testing/a-copier.ts";
import { CopyStop } from "./artifact-source.ts";
import { compareStored, toMetadata, toTargetStop } from "./target-bucket.ts";

function fail(name: string, httpStatusCode?: number): Error {
  return Object.assign(new Error("secret words"), { name, $metadata: { httpStatusCode } });
}

describe("an error of the target bucket", () => {
  it.each([
    ["AccessDenied", 403, "target TARGET_DENIED"],
    ["NoSuchBucket", 404, "target TARGET_DENIED"],
    ["KMS.DisabledException", 400, "target TARGET_DENIED"],
    ["PermanentRedirect", 301, "target TARGET_DENIED"],
    ["SlowDown", 503, "passing TARGET_UNAVAILABLE"],
    ["InternalError", 500, "passing TARGET_UNAVAILABLE"],
    ["ConditionalRequestConflict", 409, "passing TARGET_UNAVAILABLE"],
    ["ExpiredToken", 400, "passing TARGET_UNAVAILABLE"],
    ["RequestTimeout", 400, "passing TARGET_UNAVAILABLE"],
    ["IncompleteBody", 400, "passing TARGET_UNAVAILABLE"],
    ["BadDigest", 400, "counted SHA256_MISMATCH"],
    ["XAmzContentSHA256Mismatch", 400, "counted SHA256_MISMATCH"],
    ["NoSuchUpload", 404, "lost"],
    ["InvalidPart", 400, "lost"],
  ])("%s (%d) is %s", (name, status, expected) => {
    const stop = toTargetStop(fail(name, status));

    const fault = stop instanceof CopyStop ? stop.fault : undefined;
    const code = fault !== undefined && "code" in fault ? fault.code : "";
    expect(`${fault?.kind} ${code}`.trim()).toBe(expected);
    expect(stop.message).not.toContain("secret");
  });

  it("of the network passes", () => {
    const reset = Object.assign(new Error("reset"), { code: "ECONNRESET" });

    expect(toTargetStop(reset)).toMatchObject({ fault: { kind: "passing", code: "TARGET_UNAVAILABLE" } });
  });

  it("of an unknown type stays an internal error, and a known stop stays unchanged", () => {
    const stop = new CopyStop({ kind: "expired", reason: "r" });

    expect(toTargetStop(new RangeError("oops"))).toMatchObject({ code: "INTERNAL" });
    expect(toTargetStop(stop)).toBe(stop);
  });
});

const BYTES = Buffer.from("the artifact");
const SHA256 = digest(BYTES);
const OTHER = digest(Buffer.from("other"));
const MESSAGE = anAnnouncement(BYTES);
const own = { size: BYTES.length, sha256: SHA256 };

function evaluate(metadata: Readonly<Record<string, string>>, size = BYTES.length, read?: string, mine = own) {
  const comparison = { own: mine, ...(read !== undefined && { read }) };
  return compareStored({ etag: '"e"', size, metadata }, MESSAGE, comparison);
}

describe("compareStored", () => {
  it("knows the same file by its digest and its size", () => {
    expect(evaluate({ "stackyard-sha256": SHA256 })).toEqual({ kind: "same", storedSha256: SHA256 });
    expect(evaluate({ "stackyard-sha256": SHA256, "stackyard-version": "1.4.2" }, 5)).toEqual({ kind: "conflict" });
  });

  it("knows a template that was rewritten, whatever its size", () => {
    const metadata = { "stackyard-sha256": SHA256, "stackyard-stored-sha256": OTHER };

    const rewritten = { size: 9, sha256: digest(Buffer.from("as this release rewrites it")) };
    expect(evaluate(metadata, 5, undefined, rewritten)).toEqual({ kind: "same", storedSha256: OTHER });
  });

  it("distinguishes a rewritten template from one that is not", () => {
    const rewritten = { "stackyard-sha256": SHA256, "stackyard-stored-sha256": OTHER, "stackyard-version": "1.4.2" };
    const plain = { "stackyard-sha256": SHA256, "stackyard-version": "1.4.2" };

    expect([evaluate(rewritten), evaluate(plain, 12, undefined, { size: 5, sha256: OTHER })]).toEqual([
      { kind: "conflict" },
      { kind: "conflict" },
    ]);
  });

  it("lets only a file of a message without a version be replaced", () => {
    expect([evaluate({ "stackyard-sha256": OTHER }), evaluate({}, 5)]).toEqual([
      { kind: "earlier" },
      { kind: "conflict" },
    ]);
  });

  it("wants an object without a digest to be read, unless its size says enough", () => {
    expect([evaluate({}), evaluate({}, 5)]).toEqual([{ kind: "unknown" }, { kind: "conflict" }]);
    expect([evaluate({}, 12, SHA256), evaluate({}, 12, OTHER)]).toEqual([
      { kind: "same", storedSha256: SHA256 },
      { kind: "conflict" },
    ]);
  });

  it.each([
    ["1.4.2", "1", "conflict"],
    ["1.4.1", "6", "earlier"],
    ["1.4.1", "7", "earlier"],
    ["1.4.1", "8", "later"],
    ["1.4.1", "?", "earlier"],
  ])("of other bytes of version %s and sequence %s is %s", (version, sequence, kind) => {
    const metadata = { "stackyard-sha256": OTHER, "stackyard-version": version, "stackyard-sequence": sequence };

    expect(evaluate(metadata)).toEqual({ kind });
  });
});

describe("the metadata of a copy", () => {
  it("has nothing that a header cannot hold", () => {
    const metadata = toMetadata({ ...MESSAGE, distributionId: "é\n" });

    expect(metadata).toEqual({
      "stackyard-sha256": SHA256,
      "stackyard-version": "1.4.2",
      "stackyard-sequence": "7",
    });
  });

  it("of a first message has the digest that was found, where there is one", () => {
    expect(toMetadata(anOldAnnouncement())).toEqual({});
    expect(toMetadata(anOldAnnouncement(), { source: SHA256, stored: OTHER })).toEqual({
      "stackyard-sha256": SHA256,
      "stackyard-stored-sha256": OTHER,
    });
  });
});
