import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseSums } from "./parse-sums.ts";

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
        message: "Line 2 of SHA256SUMS is no sum and plain file name.",
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
