// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import { parseMachine, parseMachineDocument } from "@stackyard/core/machine";
import { describe, expect, it } from "vitest";
import { terraformDefinition } from "../definition.ts";

const options = { name: "app", executors: new Map([["terraform", terraformDefinition]]) };

/** A machine of version 1 with tasks of these configs. */
function aSource(...configs: readonly string[]): string {
  const tasks = configs.map((config, index) => `${"abc"[index]}: {executor: terraform, config: ${config}}`);
  const names = configs.map((_, index) => "abc"[index]);
  return `version: 1\nevents: []\nstates: {INIT: {terminal: true, tasks: [${names}]}}\ntasks: {${tasks}}`;
}

/** What is destroyed nowhere has tests of its own. */
const format = ({ problems }: ReturnType<typeof parseMachine>) =>
  problems
    .filter(({ code }) => code !== "terraform-not-destroyed")
    .map(({ code, path, severity }) => `${severity === "error" ? "!" : ""}${code} ${path}`);

const listProblems = (...configs: readonly string[]) => format(parseMachine(aSource(...configs), options));

describe("the config of a Terraform task", () => {
  it.each<[string, readonly string[]]>([
    ["action: null", ["!terraform-action-unknown tasks.a.config.action", "source-missing tasks.a.config.source"]],
    ["action: apply, source: null", ["!source-not-map tasks.a.config.source"]],
    ["action: apply, source: {}", ["source-type-missing tasks.a.config.source.type"]],
    ["action: apply, source: {type: null, bucket: b}", ["!source-type-unknown tasks.a.config.source.type"]],
    ["action: apply, source: {type: S3, bucket: b, key: k}", ["!source-type-unknown tasks.a.config.source.type"]],
    ["action: apply, source: {type: s3, bucket: 5, key: k}", ["!source-field-required tasks.a.config.source.bucket"]],
    [
      "action: apply, source: {type: s3, bucket: b, key: k, location: l}",
      ["!source-unknown-key tasks.a.config.source.location"],
    ],
    [
      "action: apply, source: {location: l, key: k}",
      ["source-type-missing tasks.a.config.source.type", "!source-unknown-key tasks.a.config.source.key"],
    ],
    [
      "action: apply, source: {key: k}",
      ["source-type-missing tasks.a.config.source.type", "!source-field-required tasks.a.config.source.bucket"],
    ],
    [
      "action: apply, source: {region: eu}",
      ["source-type-missing tasks.a.config.source.type", "!source-unknown-key tasks.a.config.source.region"],
    ],
    [
      "action: apply, source: {type: s3, bucket: b, key: a/}, variables: null",
      ["!variables-not-map tasks.a.config.variables"],
    ],
    [
      "action: apply, source: {type: s3, bucket: b, key: a/}, variables: {a: null, b: {c: 1}}",
      // Lists and maps are passed on, as JSON.
      [],
    ],
    ["", ["!terraform-action-required tasks.a.config.action", "source-missing tasks.a.config.source"]],
    ["action: apply, name: f", ["!config-unknown-key tasks.a.config.name", "source-missing tasks.a.config.source"]],
    ["action: apply, source: {type: local, location: 5}", ["!source-field-required tasks.a.config.source.location"]],
    [
      "action: apply, source: {type: s3, bucket: b, key: a/main.tf}",
      ["source-key-not-prefix tasks.a.config.source.key"],
    ],
    [
      "action: apply, source: {type: local, location: l}, variables: {day: 2020-01-01}",
      ["scalar-ambiguous tasks.a.config.variables.day"],
    ],
    ["action: destroy, source: {type: local, location: l}, variables: {a: 1}", []],
  ])("{%s}", (config, expected) => {
    expect(listProblems(`{${config}}`).toSorted()).toEqual(expected.toSorted());
  });

  it("requires in version 2 what a task of version 1 only fails without", () => {
    const parse = (config: object) => {
      const states = { INIT: { terminal: true, tasks: ["a"] } };
      return format(
        parseMachineDocument({ version: 2, states, tasks: { a: { executor: "terraform", config } } }, options),
      );
    };

    expect(parse({ action: "apply" })).toEqual(["!source-missing tasks.a.config.source"]);
    expect(parse({ action: "apply", source: {} })).toEqual(["!source-type-missing tasks.a.config.source.type"]);
    const type = "${metadata.t}";
    expect(
      parse({ action: "apply", source: { type, bucket: 5, key: "${metadata.k}", location: "", url: "x" } }),
    ).toEqual([
      "!source-unknown-key tasks.a.config.source.url",
      "!source-field-required tasks.a.config.source.bucket",
      "!source-field-required tasks.a.config.source.location",
    ]);
    expect(parse({ action: "apply", source: { type, key: "${metadata.k}" } })).toEqual([]);
  });
});

describe("the config of a Terraform task in version 2", () => {
  const listV2 = (config: string) => {
    const source = `version: 2\nmetadata: {plan: {type: string}}\nevents: []\nstates: {INIT: {terminal: true, tasks: [a]}}\n`;
    const task = `tasks: {a: {executor: terraform, config: {source: {type: local, location: l}, ${config}}}}`;
    return format(parseMachine(source + task, options));
  };

  it.each<[string, readonly string[]]>([
    ['action: apply, plan: "${metadata.plan}", protect: ["aws_db_instance.*"]', []],
    ["action: plan, destroy: true, protect: [a.b], binary: tofu, version: ~> 1.9.0", []],
    ['action: drift, ignore: ["a.b:tags", "*:etag"]', []],
    ["action: apply, policies: {source: {type: local, location: p}, onProblems: report}", []],
    ["action: apply, policies: {source: p}", ["!terraform-value-invalid tasks.a.config.policies"]],
    ["action: destroy, plan: p", ["!config-unknown-key tasks.a.config.plan"]],
    ["action: apply, ignore: []", ["!config-unknown-key tasks.a.config.ignore"]],
    ["action: plan, destroy: sure", ["!terraform-value-invalid tasks.a.config.destroy"]],
    ["action: apply, protect: a.b", ["!terraform-value-invalid tasks.a.config.protect"]],
    ["action: apply, version: 1.9", ["!terraform-value-invalid tasks.a.config.version"]],
    ["action: drift, ignore: [a.b]", ["!terraform-value-invalid tasks.a.config.ignore"]],
  ])("%s", (config, problems) => {
    expect(listV2(config)).toEqual(problems);
  });

  it.each<[string, readonly string[]]>([
    ['commit: "${metadata.sha}", path: infra, trusted: "${metadata.trusted}"', []],
    ["commit: c, trusted: true, location: l", ["!source-unknown-key tasks.a.config.source.location"]],
    ["trusted: sure, commit: c", ["!source-field-required tasks.a.config.source.trusted"]],
    [
      "path: infra",
      ["!source-field-required tasks.a.config.source.commit", "!source-field-required tasks.a.config.source.trusted"],
    ],
  ])("a source of the type git with %s", (keys, problems) => {
    const source = `{type: git, host: github, repository: acme/shop, ${keys}}`;
    const machine = `version: 2\nmetadata: {sha: {type: string}, trusted: {type: boolean}}\nstates: {INIT: {terminal: true, tasks: [a]}}\n`;
    const task = `tasks: {a: {executor: terraform, config: {action: apply, source: ${source}}}}`;

    expect(format(parseMachine(machine + task, options))).toEqual(problems);
    expect(listProblems(`{action: apply, source: ${source}}`)).toContain(
      "!source-type-unknown tasks.a.config.source.type",
    );
  });

  it("has actions and keys that version 1 does not have", () => {
    expect(listProblems("{action: plan, source: {type: local, location: l}}")).toEqual([
      "!terraform-action-unknown tasks.a.config.action",
    ]);
    expect(listProblems("{action: apply, source: {type: local, location: l}, protect: [a]}")).toEqual([
      "!config-unknown-key tasks.a.config.protect",
    ]);
  });
});
