import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findGrantWarning, parseApiTokens, parseEngineSettings } from "./settings.ts";

describe("parseEngineSettings", () => {
  it("has defaults", () => {
    const defaults = {
      engine: {
        refusedEvents: "park",
        parking: { keepMs: 3_600_000 },
        limits: { automaticEntriesPerHour: 1_000 },
        allowExternalNext: false,
      },
      retention: { historyMs: 2_592_000_000, auditMs: 34_560_000_000 },
    };

    expect(parseEngineSettings({})).toEqual(defaults);
    expect(parseEngineSettings({ REFUSED_EVENTS: "", HISTORY_RETENTION_DAYS: "" })).toEqual(defaults);
  });

  it("reads every variable", () => {
    const env = {
      REFUSED_EVENTS: "drop",
      REFUSED_EVENTS_KEEP: "90m",
      AUTOMATIC_TRANSITIONS_PER_HOUR: "50",
      HISTORY_RETENTION_DAYS: "365",
      AUDIT_RETENTION_DAYS: "30",
      ALLOW_EXTERNAL_NEXT: "true",
    };

    expect(parseEngineSettings(env)).toEqual({
      engine: {
        refusedEvents: "drop",
        parking: { keepMs: 5_400_000 },
        limits: { automaticEntriesPerHour: 50 },
        allowExternalNext: true,
      },
      retention: { historyMs: 31_536_000_000, auditMs: 2_592_000_000 },
    });
  });

  it.each([
    ["REFUSED_EVENTS", "keep"],
    ["REFUSED_EVENTS", "redeliver"],
    ["REFUSED_EVENTS_KEEP", "long"],
    ["AUTOMATIC_TRANSITIONS_PER_HOUR", "0"],
    ["AUTOMATIC_TRANSITIONS_PER_HOUR", "1e3"],
    ["HISTORY_RETENTION_DAYS", "-1"],
    ["HISTORY_RETENTION_DAYS", "1.5"],
    ["AUDIT_RETENTION_DAYS", "29"],
    ["AUDIT_RETENTION_DAYS", "3651"],
    ["ALLOW_EXTERNAL_NEXT", "yes"],
  ])("rejects %s=%s", (name, value) => {
    const told = expect.objectContaining({
      code: "CONFIG_INVALID",
      message: expect.stringContaining(`${name} must be`),
    });

    expect(() => parseEngineSettings({ [name]: value })).toThrow(told);
  });

  it("lists all faults at once", () => {
    const env = { REFUSED_EVENTS: "keep", HISTORY_RETENTION_DAYS: "x" };

    expect(() => parseEngineSettings(env)).toThrow(/REFUSED_EVENTS must[\s\S]*HISTORY_RETENTION_DAYS must/);
  });
});

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
    ["an empty name", `=${secret}`, "Token 1 of X has an invalid name"],
    ["an odd name", `ada=${secret},a/b=${secret}x`, "Token 2 of X has an invalid name"],
    ["a short token", "ada=short", "Token 1 of X must have 16 to 256 visible ASCII characters after its name."],
    ["a token of two people", `ada=${secret},ben=${secret}`, 'X gives "ada" and "ben" the same token.'],
  ])("rejects %s and says what to write", (_what, text, told) => {
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

describe("findGrantWarning", () => {
  const tokens = [{ name: "ops" }, { name: "metrics" }, { name: "ops" }];
  const grants = [{ to: { token: "metrics" }, role: "viewer" as const }];

  it("names each token that no grant names, next to a configuration of access", () => {
    const ofMachine = [{ to: { machine: "shop-release" }, role: "operator" as const }];

    expect(findGrantWarning({ access: { grants } }, tokens)).toMatch(/may do nothing: "ops"\.$/);
    expect(findGrantWarning({ access: {} }, tokens)).toMatch(/may do everything: "ops", "metrics"\.$/);
    expect(findGrantWarning({ access: { grants: ofMachine } }, tokens)).toMatch(
      /may do everything: "ops", "metrics"\.$/,
    );
  });

  it("is undefined without access, and when all have one", () => {
    expect(findGrantWarning({}, tokens)).toBeUndefined();
    expect(findGrantWarning({ access: { grants } }, [{ name: "metrics" }])).toBeUndefined();
  });

  it("is undefined for the configurations of deploy and of its page, with the tokens that these configure", () => {
    const read = (file: string) => readFileSync(new URL(`../../../../${file}`, import.meta.url), "utf8");
    const namesIn = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name);
    const [secrets, page] = [read("deploy/secrets.sh"), read("docs/deployment.md")];
    const inCompose = namesIn(secrets, /(?:'|\\n)(\w+)=%s/g);

    const grants = /\{ to: \{ token: "(\w+)" \}, role/g;
    expect(inCompose).toEqual(["admin", "metrics"]);
    expect(namesIn(read("deploy/project/stackyard.config.ts"), grants)).toEqual(inCompose);
    expect(namesIn(page, grants)).toEqual([...namesIn(page, /^echo "(\w+)=\$\(openssl/gm), "metrics"]);
  });
});
