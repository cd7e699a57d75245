import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findArtifactLocation } from "./to-artifact-location.ts";

describe("the location of an artifact", () => {
  it.each([
    ["app/build.zip", "s3://artifacts/app/build.zip"],
    ["a b/'c'(1)!*~%.zip", "s3://artifacts/a%20b/%27c%27%281%29%21%2A~%25.zip"],
    ["café?versionId=1", "s3://artifacts/caf%C3%A9%3FversionId%3D1"],
    ["//a", "s3://artifacts///a"],
  ])("of %j is a text without quotes", (key, location) => {
    expect(findArtifactLocation({ bucket: "artifacts", key })).toBe(location);
  });

  it("names the version", () => {
    expect(findArtifactLocation({ bucket: "artifacts", key: "a", versionId: "3HL4kqtJ._-" })).toBe(
      "s3://artifacts/a?versionId=3HL4kqtJ._-",
    );
  });

  it.each([
    ["a line's end", { bucket: "artifacts", key: "a\nb" }],
    ["no key", { bucket: "artifacts", key: "" }],
    ["a key that is too long", { bucket: "artifacts", key: "é".repeat(513) }],
    ["half a character", { bucket: "artifacts", key: "a\uD800" }],
    ["a key that the AWS CLI would read from a file", { bucket: "artifacts", key: "file:///etc/shadow" }],
    ["a bucket that is none", { bucket: "Not a bucket", key: "a" }],
    ["a version that is none", { bucket: "artifacts", key: "a", versionId: "1'" }],
  ])("is not there for %s", (_what, artifact) => {
    expect(findArtifactLocation(artifact)).toBeUndefined();
  });

  it("gives back the key for every key that it takes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 40 }), (key) => {
        const location = findArtifactLocation({ bucket: "artifacts", key });
        return location === undefined || decodeURIComponent(location.slice("s3://artifacts/".length)) === key;
      }),
    );
  });
});
