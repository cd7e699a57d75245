// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import { parseMachine } from "@stackyard/core/machine";
import { describe, expect, it } from "vitest";
import { terraformDefinition } from "../definition.ts";

const options = { name: "app", executors: new Map([["terraform", terraformDefinition]]) };

interface Config {
  readonly action?: string;
  readonly [key: string]: unknown;
}

const service = { type: "local", location: "terraform/service" };
const apply = (rest: object = {}): Config => ({ action: "apply", source: service, ...rest });
const destroy = (rest: object = {}): Config => ({ action: "destroy", source: service, ...rest });

/** A machine that runs these tasks in LIVE, and those that destroy at its end. */
function list(tasks: Readonly<Record<string, Config>>, version = 2): readonly string[] {
  const names = Object.keys(tasks);
  const off = names.filter((name) => tasks[name]?.action === "destroy");
  const states = {
    INIT: { on: { OPENED: [{ action: "advance", state: "LIVE" }] } },
    LIVE: {
      tasks: names.filter((name) => !off.includes(name)),
      on: { NEXT: [{ action: "no-op" }], CLOSED: [{ action: "advance", state: "GONE" }] },
    },
    GONE: { terminal: true, tasks: off },
  };
  const all = names.map((name) => [name, { executor: "terraform", config: tasks[name] }]);
  const document = { version, events: ["OPENED", "CLOSED"], states, tasks: Object.fromEntries(all) };
  const { problems } = parseMachine(JSON.stringify(document), options);
  return problems.map(({ code, path, severity }) => `${severity === "error" ? "!" : ""}${code} ${path}`);
}

describe("tasks with one Terraform state", () => {
  it("are refused when each would replace what the other has made", () => {
    const of = (name: string) => apply({ variables: { service: name } });

    expect(list({ api: of("api"), web: of("web"), worker: of("worker"), off: destroy() })).toEqual([
      "!terraform-state-shared tasks.web.config.variables",
    ]);
    expect(list({ plan: { ...of("api"), action: "plan" }, web: of("web"), off: destroy() })).toEqual([
      "!terraform-state-shared tasks.web.config.variables",
    ]);
    expect(list({ api: apply({ outputs: ["a"] }), web: apply(), off: destroy() })).toEqual([
      "!terraform-state-shared tasks.web.config",
    ]);
    const policies = { source: { type: "local", location: "policies" } };
    expect(list({ api: apply({ policies }), web: apply(), off: destroy() })).toEqual([
      "!terraform-state-shared tasks.web.config",
    ]);
  });

  it("are accepted when they say which state each has, or that they have one", () => {
    const of = (state: string, service: string) => apply({ state, variables: { service } });

    expect(
      list({
        api: of("api", "api"),
        web: of("web", "web"),
        "api-off": destroy({ state: "api" }),
        "web-off": destroy({ state: "web" }),
      }),
    ).toEqual([]);
    // A preview that sleeps is the same resources with other values.
    expect(list({ up: of("app", "2"), down: of("app", "0"), off: destroy({ state: "app" }) })).toEqual([]);
    expect(
      list({
        up: apply({ state: "app" }),
        other: apply({ state: "app", source: { type: "local", location: "b" } }),
        off: destroy({ state: "app" }),
      }),
    ).toEqual(["!terraform-state-shared tasks.other.config.source"]);
  });

  it("are accepted when they mean the same, or apply a saved plan", () => {
    const variables = { service: "api", "": "${metadata.size}" };

    expect(list({ first: apply({ variables }), again: apply({ variables }), off: destroy() })).toEqual([]);
    expect(
      list({
        plan: { ...apply({ variables }), action: "plan" },
        go: apply({ plan: "${metadata.plan}" }),
        off: destroy(),
      }),
    ).toEqual([]);
  });

  it("are one state whatever the spelling of the path", () => {
    const at = (location: string) => ({ type: "local", location });

    expect(list({ app: apply(), off: destroy({ source: at("./terraform//service/") }) })).toEqual([]);
  });

  it("are a warning in version 1, which cannot name states", () => {
    const s3 = (bucket: string, key: string) => ({ action: "apply", source: { type: "s3", bucket, key } });

    expect(list({ a: s3("one", "a/"), b: s3("two", "a/"), c: s3("two", "b/") }, 1)).toEqual([
      "terraform-state-shared tasks.b.config.source",
    ]);
    expect(list({ a: s3("one", "a/"), b: s3("one", "a/") }, 1)).toEqual([]);
  });
});

describe("what a task applies", () => {
  it("is reported when a stack can end without a task that destroys it", () => {
    const other = { type: "local", location: "terraform/other" };

    expect(list({ app: apply(), off: destroy({ source: other }) })).toEqual([
      "terraform-not-destroyed tasks.app.config",
    ]);
    expect(list({ app: apply({ state: "app" }), off: destroy() })).toEqual([
      "terraform-not-destroyed tasks.app.config",
    ]);
    expect(list({ app: apply({ keep: true }), net: apply({ state: "net" }), off: destroy({ state: "net" }) })).toEqual(
      [],
    );
  });
});
