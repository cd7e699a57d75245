import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseApiTokens } from "./api-tokens.ts";

const secret = "0123456789abcdef";

describe("parseApiTokens", () => {
  it.each([
    ["nothing", "", []],
    ["one", `ada=${secret}`, [["ada", secret]]],
    [
      "several",
      `ada=${secret},ci=${secret}x`,
      [
        ["ada", secret],
        ["ci", `${secret}x`],
      ],
    ],
    [
      "lines of a file",
      `# people\nada=${secret}\n\n  # machines\nci=${secret}x\r\n`,
      [
        ["ada", secret],
        ["ci", `${secret}x`],
      ],
    ],
    [
      "two of one name",
      `ada=${secret},ada=${secret}x`,
      [
        ["ada", secret],
        ["ada", `${secret}x`],
      ],
    ],
    ["an equals sign in a token", `ada=${secret}==`, [["ada", `${secret}==`]]],
  ])("reads %s", (_what, text, tokens) => {
    expect(parseApiTokens(text, "X").map(({ name, token }) => [name, token])).toEqual(tokens);
  });

  it.each([
    ["a token without a name", secret, "Token 1 of X has no name. Write it as name=token."],
    ["an empty name", `=${secret}`, "Token 1 of X has a name that is none"],
    ["an odd name", `ada=${secret},a/b=${secret}x`, "Token 2 of X has a name that is none"],
    ["a short token", "ada=short", "Token 1 of X must have 16 to 256 visible ASCII characters after its name."],
    ["a token of two people", `ada=${secret},ben=${secret}`, 'X gives "ada" and "ben" the same token.'],
  ])("refuses %s and says what to write", (_what, text, told) => {
    expect(() => parseApiTokens(text, "X")).toThrow(told);
  });

  it("shows no secret, whatever it is given", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[!-~]{6,40}$/), (text) => {
        const hidden = `hush${text.replaceAll(",", "")}`;
        try {
          parseApiTokens(`${hidden}=`, "X");
          parseApiTokens(`a=${hidden.slice(0, 15)}`, "X");
        } catch (error) {
          expect(String(error)).not.toContain("hush");
        }
      }),
    );
  });
});
