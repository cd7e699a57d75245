import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findPublishedName, parsePlace, toKey } from "./published-objects.ts";

describe("a place", () => {
  it.each([
    ["releases", undefined, { bucket: "releases", prefix: "" }],
    ["releases", "stackyard", { bucket: "releases", prefix: "stackyard/" }],
    ["my.releases-1", "a/b/", { bucket: "my.releases-1", prefix: "a/b/" }],
  ])("is %s and %s", (bucket, prefix, place) => {
    expect(parsePlace(bucket, prefix)).toEqual(place);
  });

  it.each([
    ["Releases", ""],
    ["x", ""],
    ["releases/stackyard", ""],
    ["releases", "/stackyard"],
    ["releases", "a//b"],
    ["releases", "a?b"],
    ["releases", "a b"],
  ])("is not %s and %s", (bucket, prefix) => {
    expect(() => parsePlace(bucket, prefix)).toThrow(expect.objectContaining({ code: "USAGE" }));
  });
});

describe("keys", () => {
  const place = { prefix: "stackyard/" };

  it("are what templates ask for", () => {
    expect(toKey(place, { kind: "app", name: "state-manager", version: "0.1.0" })).toBe(
      "stackyard/state-manager/0.1.0/state-manager.zip",
    );
    expect(toKey({ prefix: "" }, { kind: "template", name: "yard", version: "0.1.0" })).toBe(
      "templates/0.1.0/yard.template.json",
    );
  });

  it("identify the published app or template", () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/).filter((text) => text !== "templates");
    const version = fc.stringMatching(/^[0-9][0-9A-Za-z.-]{0,20}$/);
    fc.assert(
      fc.property(fc.constantFrom("app" as const, "template" as const), name, version, (kind, app, of) => {
        const published = { kind, name: app, version: of };
        expect(findPublishedName(place, toKey(place, published))).toEqual(published);
      }),
    );
  });

  it.each([
    "other/state-manager/0.1.0/state-manager.zip",
    "stackyard/state-manager/0.1.0/other.zip",
    "stackyard/state-manager/0.1.0/x/state-manager.zip",
    "stackyard/state-manager.zip",
    "stackyard/templates/0.1.0/yard.json",
    "stackyard/",
  ])("of other objects are ignored: %s", (key) => {
    expect(findPublishedName(place, key)).toBeUndefined();
  });
});
