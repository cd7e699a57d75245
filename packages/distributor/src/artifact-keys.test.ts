import { ARTIFACT_NAME, ARTIFACT_VERSION, isManifestKey } from "@stackyard/sdk/artifacts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { classifyKey, isUploadVersion, toOverwrittenVersion, toUploadName } from "./artifact-keys.ts";

describe("toUploadName", () => {
  it.each([
    [
      "tts-cloud/build-artifact-consumer/dev/40/packaged.yaml",
      "tts-cloud/build-artifact-consumer/dev/packaged.yaml",
      "40",
    ],
    ["app/1.4.2+build/a.zip", "app/a.zip", "1.4.2+build"],
    ["40/a.zip", "a.zip", "40"],
    ["a.zip", "a.zip", "0"],
  ])("makes of %j %j in version %j", (path, name, version) => {
    expect(toUploadName(path)).toEqual({ name, version });
  });

  it("distinguishes what would have the same name", () => {
    const names = ["App/40/A b.zip", "app/40/a b.zip", "app/40/a-b.zip"].map((path) => toUploadName(path).name);

    expect(new Set(names).size).toBe(3);
    expect(names[2]).toBe("app/a-b.zip");
  });

  it("makes names and versions that artifacts may have, of every key that may be stored, each its own", () => {
    const segment = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.string({ maxLength: 20, unit: "grapheme" }),
      fc.constantFrom("...", "-", "_x", "A"),
    );
    const key = fc
      .array(segment, { minLength: 1, maxLength: 8 })
      .map((each) => each.join("/"))
      .filter(isManifestKey);
    fc.assert(
      fc.property(key, key, (one, other) => {
        const [first, second] = [toUploadName(one), toUploadName(other)];

        expect(first.name).toMatch(new RegExp(ARTIFACT_NAME));
        expect(first.version).toMatch(new RegExp(ARTIFACT_VERSION));
        const again = toOverwrittenVersion(first.version, "v2");
        expect(again).toMatch(new RegExp(ARTIFACT_VERSION));
        expect([first.version, again].every((version) => isUploadVersion(version, first.version))).toBe(true);
        if (one !== other) expect(second).not.toEqual(first);
      }),
    );
  });

  it("knows the versions of an upload from others", () => {
    expect(
      ["40", "40+0123456789ab", "40+0123456789AB", "40+0123", "400123456789ab"].map((each) =>
        isUploadVersion(each, "40"),
      ),
    ).toEqual([...[true, true, false, false, false]]);
  });
});

describe("classifyKey", () => {
  it.each([
    ["artifacts/a/1/manifest.json", "manifest"],
    ["artifacts/a/1/app.zip", "other"],
    ["a/1/manifest.json", "upload"],
    ["a/1/", "other"],
  ])("with uploads at the root, %j is %s", (key, kind) => {
    expect(classifyKey(key, { prefix: "artifacts/", uploadPrefix: "" })).toBe(kind);
  });

  it.each([
    ["uploads/a/1/manifest.json", "upload"],
    ["a/1/manifest.json", "manifest"],
    ["manifest.json", "other"],
  ])("with artifacts at the root, %j is %s", (key, kind) => {
    expect(classifyKey(key, { prefix: "", uploadPrefix: "uploads/" })).toBe(kind);
  });

  it("accepts no uploads when no account may upload", () => {
    expect(classifyKey("a/1/x", { prefix: "artifacts/" })).toBe("other");
  });
});
