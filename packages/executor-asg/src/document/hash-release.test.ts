import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PRESETS } from "../release-constants.ts";
import { aDocument, aSeedDocument } from "../testing/a-document.ts";
import { releaseFixture } from "../testing/release-fixture.ts";
import { canonicalRelease, hashRelease } from "./hash-release.ts";

const SEED = PRESETS["step-asg-deployer"];

function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, item]) => [key, shuffled(item)]),
  );
}

describe("hashRelease", () => {
  it.each(["odin/one-service", "odin/every-old-key", "odin/every-new-key"])("does not see the order of %s", (name) => {
    const document = JSON.parse(releaseFixture(name));

    expect(hashRelease(shuffled(document))).toBe(hashRelease(document));
  });

  it("is a SHA-256 in hex", () => {
    expect(hashRelease(aDocument())).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ["the name of the task", { "/Task": "Validate" }],
    ["null", { "/profile": null, "/timeout": null }],
    ["keys that are unknown", { "/extra": 1 }],
  ])("leaves out %s", (_, changes) => {
    expect(hashRelease(aDocument(changes))).toBe(hashRelease(aDocument()));
  });

  it.each([
    { "/timeout": 600 },
    { "/metadata": {} },
    { "/metadata/a": "b" },
    { "/ami": "other" },
    { "/subnets": ["private-b", "private-a"] },
    { "/services/web/autoscaling/min_size": 1 },
    { "/services/web/created_asg": "other" },
    { "/services/other": { instance_type: "t3.small", security_groups: ["a"] } },
  ])("sees what differs: %j", (changes) => {
    expect(hashRelease(aDocument(changes))).not.toBe(hashRelease(aDocument()));
  });

  it("sees which service is which", () => {
    const [a, b] = [{ instance_type: "a" }, { instance_type: "b" }];

    const hash = hashRelease(aDocument({ "/services": { "10": a, "9": b } }));

    expect(hash).toBe(hashRelease(aDocument({ "/services": { "9": b, "10": a } })));
    expect(hash).not.toBe(hashRelease(aDocument({ "/services": { "10": b, "9": a } })));
  });

  it("sees the user data of a document that brings it along", () => {
    expect(hashRelease(aSeedDocument({ "/user_data": "x" }), SEED)).not.toBe(hashRelease(aSeedDocument(), SEED));
    expect(hashRelease(aSeedDocument({ "/comment": "x" }), SEED)).toBe(hashRelease(aSeedDocument(), SEED));
  });

  it("makes something of any value", () => {
    fc.assert(fc.property(fc.anything(), (value) => typeof canonicalRelease(value) === "string"));
  });
});

describe("canonicalRelease", () => {
  it("has known keys in the schema's order, and those of maps as pairs in theirs", () => {
    const document = {
      services: { b: { security_groups: ["z", "a"], instance_type: "t" }, a: null },
      ami: "x",
      extra: 1,
      Task: "Lock",
      metadata: { "10": "a", "9": "b" },
      timeout: null,
      release_id: "r",
    };

    expect(canonicalRelease(document)).toBe(
      '{"release_id":"r","metadata":[["10","a"],["9","b"]],"ami":"x","services":[["a",null],["b",{"instance_type":"t","security_groups":["z","a"]}]]}',
    );
  });

  it("is a text of what is no document, too", () => {
    expect([undefined, 1n, () => 1, [], "x"].map((value) => canonicalRelease(value))).toEqual([
      ...["null", "null", "null", "null", '"x"'],
    ]);
  });
});
