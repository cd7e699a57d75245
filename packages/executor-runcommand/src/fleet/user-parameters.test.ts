import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_USER_PARAMETERS, parseUserParameters } from "./user-parameters.ts";

const parse = (value: unknown, profiles?: readonly string[]) =>
  parseUserParameters(JSON.stringify(value), profiles === undefined ? {} : { profiles });

function pathsOf(value: unknown): readonly string[] {
  const parsed = parse(value);
  return parsed.kind === "problems" ? parsed.problems.map(({ path }) => path) : [];
}

describe("parseUserParameters", () => {
  it.each([undefined, null, "", "{}"])("takes the defaults for %j", (text) => {
    expect(parseUserParameters(text)).toEqual({ kind: "options", options: DEFAULT_USER_PARAMETERS });
  });

  it("has the documented defaults", () => {
    expect(DEFAULT_USER_PARAMETERS).toEqual({
      profile: "ansible",
      tagKey: "has_ssm_agent",
      tagValues: ["true", "True"],
      maxConcurrency: "50",
      maxErrors: "0",
      timeout: "10m",
      deliveryTimeout: "15m",
      ignoreUnreachable: false,
      allowEmpty: false,
      wait: true,
      dryRun: false,
    });
  });

  it("takes every parameter", () => {
    const all = {
      artifact: "My_App-1",
      profile: "garlc-1",
      tagKey: "Managed",
      tagValues: ["yes", ""],
      targets: [{ key: "tag:Role", values: ["web"] }],
      maxConcurrency: "10%",
      maxErrors: "3",
      timeout: "48h",
      deliveryTimeout: "30d",
      ignoreUnreachable: true,
      allowEmpty: true,
      wait: false,
      dryRun: true,
    };

    expect(parse(all)).toEqual({ kind: "options", options: all });
  });

  it("takes counts that are written as numbers", () => {
    expect(parse({ maxConcurrency: 3, maxErrors: 0 })).toMatchObject({
      options: { maxConcurrency: "3", maxErrors: "0" },
    });
  });

  it.each(["true", "[]", "7", "null", "{", " ", "run everything", "undefined"])("refuses the text %j", (text) => {
    const problems = [{ path: "", message: "must be a JSON object" }];

    expect(parseUserParameters(text)).toEqual({ kind: "problems", problems });
  });

  it.each([
    ["artifact", 7],
    ["profile", "Ansible"],
    ["profile", ""],
    ["profile", null],
    ["tagKey", ""],
    ["tagKey", "k".repeat(129)],
    ["tagValues", []],
    ["tagValues", "true"],
    ["tagValues", ["v".repeat(257)]],
    ["tagValues", Array.from({ length: 51 }, () => "v")],
    ["targets", []],
    ["targets", [{ key: "tag:a", values: [] }]],
    ["targets", [{ key: "has_ssm_agent", values: ["true"] }]],
    ["targets", [{ key: `tag:${"k".repeat(160)}`, values: ["true"] }]],
    ["targets", [{ key: "tag:a", values: ["true"], more: 1 }]],
    ["targets", Array.from({ length: 6 }, () => ({ key: "tag:a", values: ["true"] }))],
    ["targets", [{ key: "tag:a", values: Array.from({ length: 51 }, () => "v") }]],
    ["maxConcurrency", "0"],
    ["maxConcurrency", "0%"],
    ["maxConcurrency", "101%"],
    ["maxConcurrency", "12345678"],
    ["maxConcurrency", 1.5],
    ["maxConcurrency", -1],
    ["maxErrors", "-1"],
    ["maxErrors", "05"],
    ["maxErrors", "110%"],
    ["timeout", "999ms"],
    ["timeout", "49h"],
    ["timeout", "10"],
    ["timeout", 600],
    ["deliveryTimeout", "29s"],
    ["deliveryTimeout", "31d"],
    ["ignoreUnreachable", "true"],
    ["allowEmpty", 1],
    ["wait", null],
    ["dryRun", "no"],
    ["tagkey", "x"],
    ["__proto__", {}],
    ["constructor", {}],
  ])("refuses %s = %j, and says where", (key, value) => {
    expect(parseUserParameters(`{${JSON.stringify(key)}:${JSON.stringify(value)}}`)).toMatchObject({
      kind: "problems",
      problems: [{ path: `/${key}` }],
    });
  });

  it.each([
    ["artifact", "any name.zip"],
    ["maxConcurrency", "1"],
    ["maxConcurrency", "9999999"],
    ["maxConcurrency", "1%"],
    ["maxConcurrency", "100%"],
    ["maxErrors", "0"],
    ["maxErrors", "0%"],
    ["maxErrors", "100%"],
    ["timeout", "1s"],
    ["timeout", "172800s"],
    ["deliveryTimeout", "30s"],
    ["tagKey", "k".repeat(128)],
    ["targets", [{ key: `tag:${"k".repeat(159)}`, values: ["v"] }]],
    ["targets", [{ key: "InstanceIds", values: ["i-0abcd1234abcd1234"] }]],
  ])("takes %s = %j at its limit", (key, value) => {
    expect(parse({ [key]: value }).kind).toBe("options");
  });

  it("lists every problem, more than eight too", () => {
    const value = {
      profile: 1,
      tagKey: 1,
      tagValues: 1,
      targets: 1,
      maxConcurrency: "x",
      maxErrors: "x",
      timeout: 1,
      deliveryTimeout: 1,
      ignoreUnreachable: 1,
      allowEmpty: 1,
      wait: 1,
      dryRun: 1,
      "a/b~": 1,
      unknown: 1,
    };

    expect(pathsOf(value)).toEqual([
      ...Object.keys(value)
        .slice(0, 12)
        .map((key) => `/${key}`),
      "/a~1b~0",
      "/unknown",
    ]);
  });

  it("takes 1,000 characters and no more", () => {
    const fill = (length: number) => `{"wait":true${" ".repeat(length - 13)}}`;

    expect(parseUserParameters(fill(1_000)).kind).toBe("options");
    expect(parseUserParameters(fill(1_001))).toEqual({
      kind: "problems",
      problems: [{ path: "", message: "must have at most 1000 characters, not 1001" }],
    });
  });

  it("counts a character outside of the first plane once", () => {
    const fill = (length: number) => JSON.stringify({ tagKey: "😀".repeat(60) }).padEnd(length);

    expect(parseUserParameters(fill(1_060)).kind).toBe("options");
    expect(parseUserParameters(fill(1_061)).kind).toBe("problems");
  });

  it("takes any profile's name while nobody knows the profiles, else only theirs", () => {
    expect(parse({ profile: "nightly" }).kind).toBe("options");
    expect(parse({ profile: "nightly" }, ["ansible", "nightly"]).kind).toBe("options");
    expect(parse({ profile: "nightli" }, ["ansible", "nightly"])).toEqual({
      kind: "problems",
      problems: [{ path: "/profile", message: "names no profile; there are ansible, nightly" }],
    });
  });

  it("crashes at nothing, and what it takes keeps its limits", () => {
    const anything = fc.oneof(fc.string(), fc.json(), fc.anything());

    fc.assert(
      fc.property(anything, (text) => {
        const parsed = parseUserParameters(text);

        if (parsed.kind === "problems") expect(parsed.problems.length).toBeGreaterThan(0);
        else expect(Object.keys(parsed.options).length).toBeGreaterThanOrEqual(11);
      }),
    );
  });
});
