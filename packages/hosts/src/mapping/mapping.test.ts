// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of mapping documents.
import { defined } from "@stackyard/core";
import { decideEvent, SERVICE_RIGHTS } from "@stackyard/core/access";
import { SYSTEM_EVENTS } from "@stackyard/core/machine";
import { describe, expect, it } from "vitest";
import { aHook, aPull, toCommit } from "../testing/builders.ts";
import { applyPull, applyRules, findMapping, withTrust } from "./apply-mapping.ts";
import { type Mapping, parseMapping } from "./mapping.ts";

const source = `
host: github
when: "hook.repository.fullName == 'acme/shop' && 'preview' in hook.pull.labels"
machine: preview
stack: "shop-pr-\${hook.pull.number}"
pull:
  open: {send: OPENED, metadata: &pr {sha: "\${hook.pull.head}", owner: "\${hook.pull.author}", trusted: "\${hook.pull.trusted}"}}
  head: {send: PUSHED, metadata: *pr}
  closed: {send: CLOSED}
rules:
  extend: {on: command.extend, send: EXTENDED, metadata: {seconds: "\${hook.args.duration}"}}
  seed: {on: pull.labeled, when: "hook.label == 'seed'", send: SEED}
`;

function read(text = source, name = "shop"): Mapping {
  const { mapping, problems } = parseMapping(text, name);
  if (mapping === undefined) throw new Error(JSON.stringify(problems));
  return mapping;
}

const problemsOf = (text: string) =>
  parseMapping(text, "shop").problems.map(({ code, path, line, message }) => ({ code, path, line, message }));

const mappings = [read()];
const none = { hasStack: false, isAsked: false };
const opened = {
  phase: "open",
  head: toCommit(1),
  target: { mapping: "shop", stackId: "shop-pr-7", template: "shop-pr-${hook.pull.number}" },
  updatedAt: 1_000,
} as const;

describe("parseMapping", () => {
  it("reports every fault of a document where it is", () => {
    const text = source.replace("hook.label ==", "hok.label ==").replace("${hook.pull.number}", "${pull.number}");

    expect(problemsOf(text)).toEqual([
      {
        code: "expression-unknown-name",
        path: "stack",
        line: 5,
        message: 'Unknown variable "pull". Valid: hook.repository, hook.pull.',
      },
      {
        code: "expression-unknown-name",
        path: "rules.seed.when",
        line: 12,
        message: 'Unknown variable "hok". Did you mean hook?',
      },
    ]);
  });

  it.each([
    ["{on: pull.labeled, needs: write, ", "rule-needs"],
    ["{on: pull.labeled, needs: none, ", undefined],
  ])("refuses the rule %s", (rule, code) => {
    const [problem] = problemsOf(source.replace("{on: pull.labeled, ", rule));

    expect(problem).toMatchObject({ path: "rules.seed.needs", ...defined({ code }) });
  });

  it.each(["SEED", "NEXT", ...Object.values(SYSTEM_EVENTS)])(
    "decides about a rule that sends %s as about an event of an operator",
    (event) => {
      const decision = decideEvent({ name: event, stackId: "shop-pr-7", machine: "preview" }, SERVICE_RIGHTS);

      const problems = problemsOf(source.replace("send: SEED", `send: ${event}`));

      const problem = expect.objectContaining({ code: "rule-send", path: "rules.seed.send" });
      expect(problems).toEqual(decision.kind === "allowed" ? [] : [problem]);
    },
  );

  it("refuses the internal machine of jobs", () => {
    const problems = problemsOf(source.replace(/^machine: .*$/m, "machine: stackyard.run"));

    expect(new Set(problems.map(({ code }) => code))).toEqual(new Set(["rule-send"]));
  });

  it("has no rule for approvals, which answer a task", () => {
    const text = source.replace("command.extend", "command.approve");

    expect(problemsOf(text)).toEqual([expect.objectContaining({ code: "rule-approve", path: "rules.extend.on" })]);
  });

  it.each([
    ["host: GitHub\nmachine: m\nstack: s", "host"],
    ["host: github\nstack: s", "machine"],
    ["host: github\nmachine: m\nstack: s\nfork: trust", "fork"],
    ["host: github\nmachine: m\nstack: s\nrules: {a: {on: opened, send: A}}", "rules.a.on"],
    ["host: github\nmachine: m\nstack: s\nrules: {a: {on: pull.opened}}", "rules.a.send"],
    ["host: github\nmachine: m\nstack: s\nrules: {Seed: {on: pull.opened, send: A}}", "rules.Seed"],
    ["host: github\nmachine: m\nstack: s\npull: {opened: {send: A}}", "pull.opened"],
  ])("refuses %j", (text, path) => {
    expect(problemsOf(text).map((problem) => problem.path)).toEqual([path]);
  });
});

describe("applyPull", () => {
  it("makes the event of a rule, with the types of its values", () => {
    expect(applyPull(mappings, { host: "github", hook: aHook() }, none)).toEqual({
      kind: "send",
      event: {
        rule: "open",
        stackId: "shop-pr-7",
        machine: "preview",
        event: "OPENED",
        metadata: { sha: toCommit(1), owner: "octocat", trusted: true },
        commit: { id: toCommit(1), key: "sha" },
      },
      record: { ...opened, repository: "acme/shop" },
    });
  });

  it("closes the stack when the label is removed", () => {
    const hook = aHook({ action: "unlabeled", pull: aPull({ labels: [] }) });

    expect(applyPull(mappings, { host: "github", hook }, { ...none, record: opened, hasStack: true })).toMatchObject({
      kind: "send",
      event: { event: "CLOSED", stackId: "shop-pr-7" },
      record: { phase: "none" },
    });
  });

  it("says what to do when the document of an open pull request was removed", () => {
    expect(applyPull([], { host: "github", hook: aHook() }, { ...none, record: opened, hasStack: true })).toEqual({
      kind: "failed",
      code: "HOOK_FAILED",
      reason:
        'document shop: it was removed, or is for another host. "shop-pr-7" is kept. Bring the document back, or end it with stackyard previews down shop-pr-7.',
    });
  });

  it("has nothing to do for other hosts, and where a rule is missing", () => {
    expect(applyPull(mappings, { host: "gitlab", hook: aHook() }, none)).toMatchObject({ kind: "nothing" });
    const without = [read(source.replace(/ {2}head: .*\n/, ""))];
    const hook = aHook({ pull: aPull({ head: toCommit(2) }) });
    expect(applyPull(without, { host: "github", hook }, { ...none, record: opened, hasStack: true })).toEqual({
      kind: "nothing",
      record: { ...opened, head: toCommit(2) },
    });
  });

  it("names the place of an expression that fails, and of metadata that is not flat", () => {
    const failing = [read(source.replace("hook.pull.author", "hook.pull.owner"))];
    expect(applyPull(failing, { host: "github", hook: aHook() }, none)).toMatchObject({
      kind: "failed",
      reason: expect.stringMatching(/^document shop: pull\.open\.metadata: .*hook\.pull has no "owner"/),
    });
    const nested = [read(source.replace("${hook.pull.author}", "${hook.pull.labels}"))];
    expect(applyPull(nested, { host: "github", hook: aHook() }, none)).toMatchObject({
      kind: "failed",
      reason: "document shop: pull.open.metadata.owner: a value of metadata is text, a number, a boolean or null",
    });
  });

  it("refuses two documents that name one stack, instead of sending events of both", () => {
    const two = [...mappings, read(source, "copy")];

    expect(applyPull(two, { host: "github", hook: aHook() }, none)).toMatchObject({
      kind: "failed",
      reason: 'document shop: stack: "shop-pr-7" is also the stack of the document copy. Change one "when".',
    });
  });

  it("takes the first of two documents for other stacks", () => {
    const two = [...mappings, read(source.replace("shop-pr-", "docs-pr-"), "docs")];

    expect(applyPull(two, { host: "github", hook: aHook() }, none)).toMatchObject({ event: { stackId: "shop-pr-7" } });
  });
});

describe("applyRules", () => {
  const eventsOf = (hook: ReturnType<typeof aHook>) => {
    const found = findMapping(mappings, "github", { hook: withTrust(hook) });
    if (found?.kind !== "matched") throw new Error("no mapping");
    return applyRules(found.match, withTrust(hook));
  };

  it("applies the rules of the hook's kind and action", () => {
    const sender = { id: "1", name: "ada", bot: false, permission: "write" } as const;
    const hook = aHook({ kind: "command", action: "extend", args: { words: ["2d"], duration: 172_800 }, sender });

    expect(eventsOf(hook)).toEqual({
      lacking: [],
      kind: "events",
      events: [
        { rule: "extend", stackId: "shop-pr-7", machine: "preview", event: "EXTENDED", metadata: { seconds: 172_800 } },
      ],
    });
  });

  it("brings a commit by a rule that sends its key, whatever the name of the rule, and never by `closed`", () => {
    const rules = "rules:\n  open: {on: pull.labeled, send: A}\n  closed: {on: pull.labeled, send: B, metadata: *pr}\n";
    const text = source
      .replace("closed: {send: CLOSED}", "closed: {send: CLOSED, metadata: *pr}")
      .replace("rules:\n", rules);
    const mapping = read(text);
    const hook = aHook({ action: "labeled", label: "docs" });

    const applied = applyRules({ mapping, stackId: "shop-pr-7", template: "" }, withTrust(hook));
    const closing = { host: "github", hook: aHook({ pull: aPull({ labels: [] }) }) };
    const closed = applyPull([mapping], closing, { ...none, record: opened, hasStack: true });

    const commits = applied.kind === "events" && applied.events.map(({ event, commit }) => [event, commit?.key]);
    expect(commits).toEqual([
      ["A", undefined],
      ["B", "sha"],
    ]);
    expect(closed).toMatchObject({ event: { event: "CLOSED" } });
    expect(closed.kind === "send" && closed.event.commit).toBeUndefined();
  });

  it.each([
    ["read", "none", false],
    ["read", "read", true],
    ["triage", "read", false],
    ["triage", "triage", true],
    [undefined, "triage", false],
    [undefined, "write", true],
    ["maintain", "write", false],
    ["maintain", "admin", true],
    ["admin", "maintain", false],
    ["read", undefined, false],
  ] as const)("that need %s apply to the commands of who has %s: %s", (needs, permission, applies) => {
    const key = needs === undefined ? "" : `needs: ${needs}, `;
    const mapping = read(source.replace("{on: command.extend, ", `{on: command.extend, ${key}`));
    const sender = { id: "1", name: "ada", bot: false, ...defined({ permission }) };
    const hook = aHook({ kind: "command", action: "extend", args: { words: ["2d"], duration: 1 }, sender });

    const applied = applyRules({ mapping, stackId: "shop-pr-7", template: "" }, withTrust(hook));

    const lacking = applies ? [] : [needs ?? "write"];
    expect(applied).toMatchObject({ events: applies ? [{ event: "EXTENDED" }] : [], lacking });
  });

  it("leaves out rules whose condition is false, and fails where it cannot be evaluated", () => {
    expect(eventsOf(aHook({ action: "labeled", label: "docs" }))).toMatchObject({ kind: "events", events: [] });
    expect(eventsOf(aHook({ action: "labeled", label: "seed" }))).toMatchObject({ events: [{ event: "SEED" }] });
    expect(eventsOf(aHook({ action: "labeled" }))).toMatchObject({
      kind: "failed",
      reason: expect.stringContaining("document shop: rules.seed.when:"),
    });
  });
});
