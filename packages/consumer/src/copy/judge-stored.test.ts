import { describe, expect, it } from "vitest";
import { anAnnouncement, anOldAnnouncement, digest } from "../testing/a-copier.ts";
import { judgeStored, toMetadata } from "./judge-stored.ts";

const BYTES = Buffer.from("the artifact");
const SHA256 = digest(BYTES);
const OTHER = digest(Buffer.from("other"));
const MESSAGE = anAnnouncement(BYTES);
const own = { size: BYTES.length, sha256: SHA256 };

function judge(metadata: Readonly<Record<string, string>>, size = BYTES.length, read?: string, mine = own) {
  const comparison = { own: mine, ...(read !== undefined && { read }) };
  return judgeStored({ etag: '"e"', size, metadata }, MESSAGE, comparison);
}

describe("judgeStored", () => {
  it("knows the same file by its digest and its size", () => {
    expect(judge({ "stackyard-sha256": SHA256 })).toEqual({ kind: "same", storedSha256: SHA256 });
    expect(judge({ "stackyard-sha256": SHA256, "stackyard-version": "1.4.2" }, 5)).toEqual({ kind: "conflict" });
  });

  it("knows a template that was rewritten, whatever its size", () => {
    const metadata = { "stackyard-sha256": SHA256, "stackyard-stored-sha256": OTHER };

    const rewritten = { size: 9, sha256: digest(Buffer.from("as this release rewrites it")) };
    expect(judge(metadata, 5, undefined, rewritten)).toEqual({ kind: "same", storedSha256: OTHER });
  });

  it("tells a rewritten template from one that is not", () => {
    const rewritten = { "stackyard-sha256": SHA256, "stackyard-stored-sha256": OTHER, "stackyard-version": "1.4.2" };
    const plain = { "stackyard-sha256": SHA256, "stackyard-version": "1.4.2" };

    expect([judge(rewritten), judge(plain, 12, undefined, { size: 5, sha256: OTHER })]).toEqual([
      { kind: "conflict" },
      { kind: "conflict" },
    ]);
  });

  it("lets a file of a message without a version be followed, and nobody else's", () => {
    expect([judge({ "stackyard-sha256": OTHER }), judge({}, 5)]).toEqual([{ kind: "earlier" }, { kind: "conflict" }]);
  });

  it("wants an object without a digest to be read, unless its size says enough", () => {
    expect([judge({}), judge({}, 5)]).toEqual([{ kind: "unknown" }, { kind: "conflict" }]);
    expect([judge({}, 12, SHA256), judge({}, 12, OTHER)]).toEqual([
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

    expect(judge(metadata)).toEqual({ kind });
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
