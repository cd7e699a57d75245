import { describe, expect, it } from "vitest";
import { parseReleaseDocument } from "./release-document.ts";

const release = {
  version: "0.1.0-g0123456789ab.changed",
  apps: [{ name: "state-manager", file: "state-manager-0.1.0.zip" }],
  templates: [],
};

describe("release.json", () => {
  it("names version, apps and templates", () => {
    expect(parseReleaseDocument(JSON.stringify(release))).toEqual(release);
  });

  it.each([
    ["a version that is a path", { version: "1/../../x" }],
    ["a name that is a path", { apps: [{ name: "../x", file: "x" }] }],
    ["an unknown key", { extra: 1 }],
    ["no list", { templates: "yard" }],
  ])("is refused with %s", (_, change) => {
    expect(() => parseReleaseDocument(JSON.stringify({ ...release, ...change }))).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        message: expect.stringContaining("release.json does not fit"),
      }),
    );
  });

  it("is refused when it is not JSON", () => {
    expect(() => parseReleaseDocument("{")).toThrow("release.json is not JSON.");
  });
});
