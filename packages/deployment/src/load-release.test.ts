import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseReleaseDocument, parseSums } from "./load-release.ts";

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
  ])("is rejected with %s", (_, change) => {
    expect(() => parseReleaseDocument(JSON.stringify({ ...release, ...change }))).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        message: expect.stringContaining("release.json is invalid"),
      }),
    );
  });

  it("is rejected when it is not JSON", () => {
    expect(() => parseReleaseDocument("{")).toThrow("release.json is not JSON.");
  });
});

const sum = "0f".repeat(32);

describe("sums", () => {
  it("are read as sha256sum writes them, in text and in binary mode", () => {
    expect(parseSums(`${sum}  a-0.1.0.zip\n${sum} *release.json\n`)).toEqual(
      new Map([
        ["a-0.1.0.zip", sum],
        ["release.json", sum],
      ]),
    );
  });

  it.each([
    ["a path out of the folder", `${sum}  ../a.zip`],
    ["a folder", `${sum}  x/a.zip`],
    ["an absolute path", `${sum}  /etc/passwd`],
    ["a hidden file", `${sum}  .npmrc`],
    ["a short sum", `${sum.slice(1)}  a.zip`],
    ["a sum in capitals", `${sum.toUpperCase()}  a.zip`],
    ["no name", `${sum}  `],
    ["words", "hello"],
  ])("refuse %s, with the number of the line", (_, line) => {
    expect(() => parseSums(`${sum}  ok.zip\n${line}\n`)).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        message: "Line 2 of SHA256SUMS is not a SHA-256 sum and a plain file name.",
      }),
    );
  });

  it("never give a name that leads elsewhere", () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        try {
          for (const found of parseSums(`${sum}  ${name}`).keys())
            expect(found).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]*$/);
        } catch (error) {
          expect(error).toMatchObject({ code: "CONFIG_INVALID" });
        }
      }),
    );
  });
});
