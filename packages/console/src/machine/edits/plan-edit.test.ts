// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import { describe, expect, it } from "vitest";
import { listLiterals } from "./names.ts";
import type { Operation } from "./operation.ts";
import { planEdit } from "./plan-edit.ts";
import { listRemovals } from "./removal.ts";
import { readSource } from "./source.ts";
import { applyToText } from "./testing/apply-to-text.ts";

const MACHINE = `version: 2
events: [OPENED, MERGED] # from the forge
x-end: &end { MERGED: GONE }
states:
  INIT:
    on: { OPENED: LIVE }

  # Up.
  LIVE: # lives
    tasks: [app]
    on:
      MERGED: GONE # ends
  # Down.
  GONE: { terminal: true }
  OLD:
    on: *end
  BASED:
    on:
      <<: *end
tasks:
  app: { executor: lambda, config: { name: f } }
`;

const ANCHORED = "version: 2\nstates:\n  INIT: {}\n  A: &a {}\n  B: *a\n";

function edit(operation: Operation, text = MACHINE): string {
  const plan = planEdit(text, operation);
  if ("refusal" in plan) throw new Error(`${plan.refusal.code}: ${plan.refusal.message}`);
  return applyToText(text, plan.changes);
}

function refusal(operation: Operation, text = MACHINE) {
  const plan = planEdit(text, operation);
  return "refusal" in plan ? plan.refusal : undefined;
}

describe("planEdit", () => {
  it("adds a state after the selected one, whose comments stay with it", () => {
    expect(edit({ kind: "add-state", name: "NEXT-1", after: "LIVE" })).toContain(
      "      MERGED: GONE # ends\n  NEXT-1: {}\n  # Down.\n  GONE:",
    );
  });

  it("quotes names that YAML would not read as text", () => {
    expect(edit({ kind: "add-state", name: "123" })).toContain('\n  "123": {}\ntasks:');
  });

  it("adds a reaction in the style of the map, and declares a new event", () => {
    const edited = edit({ kind: "add-reaction", state: "INIT", event: "CLOSED", target: "GONE" });

    expect(edited).toContain("events: [OPENED, MERGED, CLOSED] # from the forge");
    expect(edited).toContain("on: { OPENED: LIVE, CLOSED: GONE }");
  });

  it("renames a state with its references, in expressions too", () => {
    const text = MACHINE.replace(
      "OPENED: LIVE }",
      `OPENED: [{ when: "stack.visits.LIVE < 3", action: advance, state: LIVE }] }`,
    );

    expect(edit({ kind: "rename", what: "state", from: "LIVE", to: "UP-1" }, text)).toBe(
      text.replace("visits.LIVE", "visits['UP-1']").replace("state: LIVE", "state: UP-1").replace("LIVE: #", "UP-1: #"),
    );
  });

  it("renames texts that equal the name, and may mean something else, only on demand", () => {
    const text = MACHINE.replace(
      "OPENED: LIVE }",
      `OPENED: [{ when: "metadata.title == 'LIVE' && stack.state != 'LIVE'", action: no-op }] }`,
    );
    const operation = { kind: "rename", what: "state", from: "LIVE", to: "UP" } as const;

    expect(edit(operation, text)).toContain("metadata.title == 'LIVE' && stack.state != 'UP'");
    expect(edit({ ...operation, literals: true }, text)).toContain("metadata.title == 'UP' && stack.state != 'UP'");
  });

  it("turns a reaction into a list when it gets a condition, the old target last", () => {
    const operation = {
      kind: "add-condition",
      state: "LIVE",
      event: "MERGED",
      when: "now > now",
      target: "LIVE",
    } as const;

    expect(edit(operation)).toContain(
      [
        "      MERGED: # ends",
        '        - { when: "now > now", action: advance, state: LIVE }',
        "        - { action: advance, state: GONE }",
        "",
      ].join("\n"),
    );
  });

  it("lets a reaction raise an event, another one or none", () => {
    const place = { kind: "set-value", path: ["states", "INIT", "on", "OPENED", 0, "raise"] } as const;
    const raises = (event: string) =>
      MACHINE.replace("OPENED: LIVE", `OPENED: [{ action: advance, state: LIVE, raise: ${event} }]`);

    expect(edit({ ...place, value: "MERGED" }, raises("OPENED"))).toBe(raises("MERGED"));
    expect(edit({ ...place, value: undefined }, raises("OPENED"))).toBe(
      raises("OPENED").replace(", raise: OPENED", ""),
    );
    expect(edit({ ...place, value: undefined })).toBe(MACHINE);
    expect(edit({ ...place, value: "MERGED" })).toBe(raises("MERGED"));
  });

  it("sets a key in the place of another one, and keeps the rest of the lines (react-jsonschema-form#4821)", () => {
    const timed = (timer: string) => MACHINE.replace("tasks: [app]", `tasks: [app]\n    after:\n${timer}`);
    const choose = (key: string, value: string, instead: readonly string[], text: string) =>
      edit({ kind: "choose-key", path: ["states", "LIVE", "after", 0, key], value, instead }, text);

    expect(
      choose(
        "cron",
        "0 3 * * *",
        ["in", "at"],
        timed("      - in: 72h # soon\n        # which\n        event: MERGED"),
      ),
    ).toBe(timed('      - cron: "0 3 * * *" # soon\n        # which\n        event: MERGED'));
    expect(
      choose(
        "at",
        "${metadata.ends}",
        ["in", "cron", "zone"],
        timed("      - { cron: '0 3 * * *', zone: UTC, event: MERGED } # it"),
      ),
    ).toBe(timed("      - { at: '${metadata.ends}', event: MERGED } # it"));
    expect(choose("in", "1h", ["at"], timed("      - { in: 2h, at: x, event: MERGED }"))).toBe(
      timed("      - { in: 1h, event: MERGED }"),
    );
    expect(choose("in", "1h", ["at"], timed("      - { event: MERGED }"))).toBe(
      timed("      - { event: MERGED, in: 1h }"),
    );
  });

  it("puts a condition before the entry that has none", () => {
    const list = (entries: string) => MACHINE.replace("MERGED: GONE # ends", `MERGED: [${entries}]`);
    const [first, last] = ['{ when: "now > now", action: no-op }', "{ action: advance, state: GONE }"];

    expect(
      edit(
        { kind: "add-condition", state: "LIVE", event: "MERGED", when: "true", target: "INIT" },
        list(`${first}, ${last}`),
      ),
    ).toBe(list(`${first}, { when: "true", action: advance, state: INIT }, ${last}`));
  });

  it("lets a reaction that does nothing enter a state", () => {
    const text = MACHINE.replace("MERGED: GONE # ends", "MERGED: [{ action: no-op }]");

    expect(edit({ kind: "change-target", state: "LIVE", event: "MERGED", target: "GONE" }, text)).toContain(
      "MERGED: [{ action: advance, state: GONE }]",
    );
  });

  it("removes one metadata key that a reaction sets, and the map with the last one", () => {
    const set = (map: string) => MACHINE.replace("MERGED: GONE # ends", `MERGED: [{ action: no-op${map} }]`);
    const path = ["states", "LIVE", "on", "MERGED", 0, "set", "a"];
    const operation = { kind: "set-value", path, value: undefined } as const;

    expect(edit(operation, set(", set: { a: 1, b: 2 }"))).toBe(set(", set: { b: 2 }"));
    expect(edit(operation, set(", set: { a: 1 }"))).toBe(set(""));
  });

  it("leaves alone what only looks like a name: members of other values, and escaped placeholders", () => {
    const text = MACHINE.replace(
      "config: { name: f }",
      // A text would have "$$" for "$".
      () => `when: "event.body.metadata.sha == metadata.sha", config: { name: "$\${metadata.sha} \${metadata.sha}" }`,
    ).replace("states:", "metadata: { sha: {} }\nstates:");

    expect(edit({ kind: "rename", what: "metadata", from: "sha", to: "rev" }, text)).toBe(
      text
        .replace("{ sha: {} }", "{ rev: {} }")
        .replace("== metadata.sha", "== metadata.rev")
        .replace(/ (\$\{metadata)\.sha/, " $1.rev"),
    );
  });

  it("deletes a state with the reactions that lead to it, and the keys that they leave empty", () => {
    const edited = edit({ kind: "remove", what: "state", name: "LIVE" });

    expect(edited).toContain("states:\n  INIT: {}\n\n  # Down.\n  GONE:");
  });

  it("deletes those entries of a reaction that lead to the state, and keeps the others", () => {
    const last = "{ action: advance, state: GONE }";
    const list = (entries: string) => MACHINE.replace("{ OPENED: LIVE }", `{ OPENED: [${entries}] }`);
    const entry = (visits: number) => `{ when: "stack.visits.GONE > ${visits}", action: advance, state: LIVE }`;

    expect(edit({ kind: "remove", what: "state", name: "LIVE" }, list(`${entry(2)}, ${entry(1)}, ${last}`))).toContain(
      `on: { OPENED: [${last}] }`,
    );
  });

  it("deletes a shared reaction too when only the deleted state has used it", () => {
    const text = `version: 1
events: [A, B]
states:
  INIT:
    on:
      A: &a [{ action: advance, state: LIVE }]
      B: [{ action: advance, state: INIT }]
  LIVE:
    on: { A: *a }
`;

    expect(edit({ kind: "remove", what: "state", name: "LIVE" }, text)).toBe(
      "version: 1\nevents: [A, B]\nstates:\n  INIT:\n    on:\n      B: [{ action: advance, state: INIT }]\n",
    );
  });

  it.each<readonly [string, number | string | undefined, string]>([
    ["{ executor: x }", 3, "{ executor: x, retry: { attempts: 3 } }"],
    ["{ executor: x }", 0, "{ executor: x, retry: { attempts: 0 } }"],
    ["{ executor: x }", "two", "{ executor: x, retry: { attempts: two } }"],
    ["{ retry: { attempts: 2, only: [E] } }", 3, "{ retry: { attempts: 3, only: [E] } }"],
    ["{ retry: { only: [E] } }", 3, "{ retry: { only: [E], attempts: 3 } }"],
    ["{ retry: { attempts: 2, only: [E] } }", undefined, "{ retry: { only: [E] } }"],
    ["{ executor: x, retry: { attempts: 2 } }", undefined, "{ executor: x }"],
    ["{ executor: x }", undefined, "{ executor: x }"],
    ["{ retry: 3 }", 2, "{ retry: { attempts: 2 } }"],
  ])("changes in %s only the attempts, to %s", (task, attempts, expected) => {
    const text = (written: string) => `version: 2\nstates: { INIT: {} }\ntasks:\n  t: ${written} # a task\n`;

    expect(edit({ kind: "set-attempts", task: "t", attempts }, text(task))).toBe(text(expected));
  });

  it.each([
    ["metadata.aa == 1", "aa", "aaa", "metadata.aaa == 1"],
    ["metadata.aaa == 1", "aaa", "aa", "metadata.aa == 1"],
    [`"metadata.aa == 'x'"`, "aa", "ba", `"metadata.ba == 'x'"`],
    [`'metadata.aa == "x"'`, "aa", "ab", `'metadata.ab == "x"'`],
    ["metadata.aa", "aa", "b", "metadata.b"],
    [`"metadata.aa"`, "aa", "b", `"metadata.b"`],
    [">\n      metadata.aa == 1", "aa", "b", undefined],
    ["|\n      metadata.aa == 1", "aa", "b", undefined],
    [`'metadata.aa == ''x'''`, "aa", "b", undefined],
  ])("renames in the expression %s, quoted as it is, %s to %s", (when, from, to, expected) => {
    const text = (key: string, condition: string) =>
      `version: 2\nmetadata: { ${key}: {} }\nstates: { INIT: {} }\ntasks:\n  t:\n    executor: x\n    when: ${condition}\n`;
    const operation = { kind: "rename", what: "metadata", from, to } as const;

    if (expected === undefined) expect(refusal(operation, text(from, when))?.code).toBe("edit-escaped");
    else expect(edit(operation, text(from, when))).toBe(text(to, expected));
  });

  it.each([
    ["LIVE", "UP", "UP"],
    ['"LIVE"', "UP", '"UP"'],
    ["'LIVE'", "UP", "'UP'"],
    ["LIVE", "123", '"123"'],
  ])("quotes the changed target %s as it was written, and as %s needs it", (written, to, expected) => {
    const text = (name: string, target: string) =>
      `version: 2\nevents: [E]\nstates:\n  INIT:\n    on:\n      E: ${target}\n  ${name}: {}\n`;

    const name = to === "123" ? '"123"' : to;
    expect(edit({ kind: "rename", what: "state", from: "LIVE", to }, text("LIVE", written))).toBe(text(name, expected));
  });

  it("lists what goes with a name, and expressions that mention it or a text that equals it", () => {
    const text = MACHINE.replace(
      "{ OPENED: LIVE }",
      `{ OPENED: [{ when: "stack.visits.GONE > 1 || x == 'LIVE'", state: LIVE }] }`,
    );
    const source = readSource(text);
    const listTexts = (name: string) => {
      const { removed, blocked } = listRemovals(source, "state", name);
      const places = [...removed.map(({ place }) => place), ...blocked];
      return places.map(({ from, to }) => text.slice(from, to).split("\n")[0]);
    };

    expect(listTexts("LIVE")).toEqual([
      "LIVE: # lives",
      `on: { OPENED: [{ when: "stack.visits.GONE > 1 || x == 'LIVE'", state: LIVE }] }`,
    ]);
    expect(listTexts("GONE")).toEqual([
      "GONE: { terminal: true }",
      "MERGED: GONE",
      "on:",
      `"stack.visits.GONE > 1 || x == 'LIVE'"`,
    ]);
    expect(listLiterals(source, "LIVE").map(({ from, to }) => text.slice(from, to))).toEqual([
      `"stack.visits.GONE > 1 || x == 'LIVE'"`,
    ]);
    expect(listLiterals(source, "GONE")).toEqual([]);
  });

  it("moves a state with the comment lines directly above it", () => {
    expect(edit({ kind: "move", what: "state", name: "GONE", after: "INIT" })).toContain(
      "on: { OPENED: LIVE }\n  # Down.\n  GONE: { terminal: true }\n\n  # Up.\n  LIVE: # lives\n",
    );
  });

  it("keeps Windows line ends and a byte order mark", () => {
    const text = `\uFEFF${MACHINE.replaceAll("\n", "\r\n")}`;

    const edited = edit({ kind: "set-key", what: "state", name: "LIVE", key: "timeout", value: "5m" }, text);

    expect(edited).toContain("MERGED: GONE # ends\r\n    timeout: 5m\r\n  # Down.");
    expect(edited.replaceAll("\r\n", "")).not.toContain("\n");
  });

  it("refuses to edit a shared value, and offers it with its places", () => {
    const operation = { kind: "change-target", state: "OLD", event: "MERGED", target: "LIVE" } as const;

    const refused = refusal(operation);

    expect(refused).toMatchObject({ code: "edit-shared", offers: [{ label: "Edit shared value (3 places)" }] });
    expect(edit(refused?.offers[0]?.operation ?? operation)).toContain("x-end: &end { MERGED: LIVE }");
  });

  it("refuses to edit what a merge brings, and offers to override it", () => {
    const operation = { kind: "change-target", state: "BASED", event: "MERGED", target: "LIVE" } as const;

    const refused = refusal(operation);

    expect(refused).toMatchObject({ code: "edit-merged", offers: [{ label: "Override here" }] });
    expect(edit(refused?.offers[0]?.operation ?? operation)).toContain("      <<: *end\n      MERGED: LIVE\n");
  });

  it("refuses to lose the first of a key that is there twice, because the second would count then", () => {
    const text = "version: 1\nevents: []\nstates:\n  INIT:\n    terminal: true\n    terminal: false\n";

    expect(
      refusal({ kind: "set-key", what: "state", name: "INIT", key: "terminal", value: undefined }, text),
    ).toMatchObject({ code: "edit-differs" });
    expect(edit({ kind: "set-key", what: "state", name: "INIT", key: "terminal", value: "yes" }, text)).toBe(
      text.replace("true", "yes"),
    );
  });

  it("refuses insertions into braces over several lines, and offers block style as a step of its own", () => {
    const text = JSON.stringify({ version: 2, states: { INIT: { on: {} }, B: {} } }, undefined, 2);

    const refused = refusal({ kind: "add-state", name: "C" }, text);
    const converted = edit(refused?.offers[0]?.operation ?? { kind: "convert-to-block", path: [] }, text);

    expect(refused?.code).toBe("edit-flow");
    expect(converted).toBe('"version": 2\n"states":\n  "INIT":\n    "on": {}\n  "B": {}');
    expect(edit({ kind: "add-state", name: "C" }, converted)).toBe(`${converted}\n  "C": {}`);
  });

  it.each<readonly [string, Operation, string]>([
    ["edit-exists", { kind: "add-state", name: "LIVE" }, MACHINE],
    ["edit-name", { kind: "add-state", name: "no" }, MACHINE],
    ["edit-name", { kind: "remove", what: "state", name: "INIT" }, MACHINE],
    ["edit-missing", { kind: "remove", what: "task", name: "none" }, MACHINE],
    ["edit-handled", { kind: "add-reaction", state: "INIT", event: "OPENED", target: "GONE" }, MACHINE],
    ["edit-missing", { kind: "set-attempts", task: "none", attempts: 2 }, MACHINE],
    [
      "edit-version",
      { kind: "set-attempts", task: "t", attempts: 2 },
      "version: 1\nstates: { INIT: {} }\ntasks: { t: { executor: x } }\n",
    ],
    ["edit-syntax", { kind: "add-state", name: "B" }, "a: [b"],
    [
      "edit-merged",
      { kind: "choose-key", path: ["states", "INIT", "after", 0, "at"], value: "x", instead: ["in"] },
      "version: 2\nx-t: &t { in: 1h }\nstates: { INIT: { after: [{ <<: *t, in: 2h, event: A }] } }\n",
    ],
    [
      "edit-referenced",
      { kind: "remove", what: "metadata", name: "sha" },
      "version: 2\nmetadata: { sha: {} }\nstates: { INIT: {} }\ntasks: { t: { executor: x, when: has(metadata.sha) } }\n",
    ],
    [
      "edit-escaped",
      { kind: "rename", what: "metadata", from: "sha", to: "rev" },
      'version: 2\nmetadata: { sha: {} }\nstates: { INIT: {} }\ntasks: { t: { executor: x, when: "metadata[\\"sha\\"] == 1" } }\n',
    ],
    ["edit-shared", { kind: "remove", what: "state", name: "A" }, ANCHORED],
    [
      "edit-shared",
      { kind: "remove", what: "state", name: "A" },
      "version: 1\nevents: [E]\nstates:\n  INIT:\n    on:\n      E: &a [{ action: advance, state: A }]\n  A: {}\n  B: { on: { E: *a } }\n",
    ],
    [
      "edit-shared",
      { kind: "change-target", state: "INIT", event: "E", target: "A" },
      "version: 2\nevents: [E]\nstates:\n  INIT: { on: &a { E: INIT } }\n  A: { on: *a }\n",
    ],
    ["edit-order", { kind: "move", what: "state", name: "B", after: "INIT" }, ANCHORED],
  ])("refuses with %s", (code, operation, text) => {
    expect(refusal(operation, text)?.code).toBe(code);
  });
});
