// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts of machines, in plain strings.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Document, visit } from "yaml";
import { createSimulation } from "../../simulation/simulation.ts";
import type { SimulationLine } from "../../simulation/simulation-line.ts";
import type { Machine } from "../machine.ts";
import { parseMachine } from "../parse-machine.ts";
import { upgradeMachine } from "./upgrade-machine.ts";

const STATES = ["INIT", "A", "B", "C-1"];
const TASKS = ["t1", "t2", "constructor", "make db"];
const EVENTS = ["GO", "STOP", "X-1"];

const anAction = fc.oneof(
  { weight: 6, arbitrary: fc.record({ action: fc.constant("advance"), state: fc.constantFrom(...STATES) }) },
  fc.constant({ action: "no-op" }),
  fc.constant({}),
  fc.record({ state: fc.constantFrom(...STATES) }),
);

const aState = fc.record(
  {
    tasks: fc.array(fc.constantFrom(...TASKS), { maxLength: 3 }),
    terminal: fc.constantFrom(true, false, "true", "false"),
    on: fc.dictionary(fc.constantFrom(...EVENTS, "NEXT"), fc.array(anAction, { maxLength: 3 }), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
  },
  { requiredKeys: [] },
);

// Cancels are left out: what a person cancelled stays so in version 2, where in version 1 a late success by name counts.

/** Texts that look like expressions of version 2 are what v1 users wrote for shells. */
const aText = fc.oneof(fc.string(), fc.constantFrom("${x}", "$${x}", "a ${", "$", "${'a'}"));

const aLambdaTask = fc.record({
  executor: fc.constant("lambda"),
  config: fc.record(
    {
      name: fc.constantFrom("f", "${f}"),
      args: fc.dictionary(fc.string(), aText, { maxKeys: 3, noNullPrototype: true }),
    },
    { requiredKeys: ["name"] },
  ),
});

const aTerraformTask = fc.record({
  executor: fc.constant("terraform"),
  config: fc.record(
    {
      action: fc.constantFrom("apply", "destroy"),
      source: fc.constantFrom({ type: "s3", bucket: "b", key: "k" }, { type: "local", location: "${l}" }),
      variables: fc.dictionary(fc.string(), aText, { maxKeys: 2, noNullPrototype: true }),
    },
    { requiredKeys: ["action", "source"] },
  ),
});

const aTask = fc.oneof({ weight: 4, arbitrary: aLambdaTask }, aTerraformTask);

const aDocument = fc.record({
  version: fc.constantFrom(1, "1"),
  events: fc.constant(EVENTS),
  states: fc.tuple(aState, aState, aState, aState).map((states) => {
    return Object.fromEntries(STATES.map((name, index) => [name, states[index]]));
  }),
  tasks: fc.tuple(aTask, aTask, aTask, aTask).map((tasks) => {
    return Object.fromEntries(TASKS.map((name, index) => [name, tasks[index]]));
  }),
});

const aMetadata = fc.dictionary(
  fc.constantFrom("a", "b", "__proto__"),
  fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.constant(null), fc.constant({})),
  { maxKeys: 2, noNullPrototype: true },
);

const anEvent = fc.record(
  {
    stackId: fc.constant("s"),
    event: fc.constantFrom(...EVENTS, ...EVENTS, "NEXT", "NONE", "RETRY_FAILED_TASKS", "RETRY_PENDING_TASKS"),
    machine: fc.constant("app"),
    metadata: aMetadata,
  },
  { requiredKeys: ["stackId", "event"] },
);

const anOperation = fc.record(
  {
    stackId: fc.constant("s"),
    event: fc.constantFrom("SETTLE_TASK", "RETRY_FAILED_TASKS"),
    task: fc.record({ name: fc.constantFrom(...TASKS) }),
    as: fc.constant("succeeded"),
    reason: fc.constant("by hand"),
  },
  { requiredKeys: ["stackId", "event", "task", "as", "reason"] },
);

const anAnswer = fc.record(
  {
    task: fc.constantFrom(...TASKS),
    result: fc.constantFrom("succeeded", "succeeded", "failed"),
    stackId: fc.constant("s"),
    message: fc.constantFrom("boom", ""),
    metadata: aMetadata,
  },
  { requiredKeys: ["task", "result", "stackId"] },
);

const aStep = fc.oneof(
  { weight: 4, arbitrary: anEvent.map((event) => ({ event })) },
  { weight: 4, arbitrary: anAnswer },
  { weight: 1, arbitrary: anOperation.map((event) => ({ event })) },
  { weight: 1, arbitrary: fc.constantFrom({ advance: "1h" }, { advance: "23h" }, { advance: "25h" }) },
);

const FIRST = { event: { stackId: "s", event: "GO", machine: "app" } };

/** Of the runs that a property names. */
const SHARE = process.env["LONG_TESTS"] ? 10 : 0.5;

describe("upgradeMachine, for any machine of version 1 and any steps", () => {
  it("gives a machine that does the same", { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(aDocument, fc.array(aStep, { maxLength: 25 }), (document, steps) => {
        const source = JSON.stringify(document);
        const upgraded = upgradeMachine(source, { name: "app" });
        if (upgraded.kind === "refused") throw new TypeError(JSON.stringify(upgraded.problems));
        const collapsed = upgraded.problems.length > 0;

        const old = play(toMachine(source), [FIRST, ...steps]).map((line) => toComparable(line, collapsed));
        const now = play(toMachine(upgraded.source), [FIRST, ...steps]).map((line) => toComparable(line, collapsed));

        expect(now).toEqual(old);
      }),
      { numRuns: 150 * SHARE },
    );
  });

  it("needs no upgrade twice, and takes YAML as it takes JSON", () => {
    fc.assert(
      fc.property(aDocument, (document) => {
        const yaml = `# A machine.\n${JSON.stringify(document)}`;
        const upgraded = upgradeMachine(yaml, { name: "app" });

        expect(upgraded.kind).toBe("upgraded");
        expect(upgraded.kind === "upgraded" && upgradeMachine(upgraded.source, { name: "app" }).kind).toBe("refused");
      }),
      { numRuns: 100 * SHARE },
    );
  });

  it("takes a document with aliases and comments as it takes one without", { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(aDocument, fc.array(fc.boolean(), { maxLength: 8 }), (document, comments) => {
        // In YAML, such a key without quotes merges another map.
        fc.pre(!JSON.stringify(document).includes('"<<":'));
        const source = toYaml(document, comments);
        const upgraded = upgradeMachine(source, { name: "app" });
        const plain = upgradeMachine(JSON.stringify(document), { name: "app" });
        if (upgraded.kind === "refused" || plain.kind === "refused")
          throw new TypeError(JSON.stringify([upgraded, plain]));

        const { hash: _of, ...machine } = toMachine(upgraded.source);
        const { hash: _ofPlain, ...expected } = toMachine(plain.source);

        expect(machine).toEqual(expected);
      }),
      { numRuns: 100 * SHARE },
    );
  });
});

/** A document whose equal parts are aliases of the first, with comments at some of its lists and maps. */
function toYaml(value: Readonly<Record<string, unknown>>, comments: readonly boolean[]): string {
  const firsts = new Map<string, unknown>();
  const shared = share(comments[0] === true ? { ...value, "x-parts": Object.values(value) } : value, firsts);
  const document = new Document(shared, { schema: "core", version: "1.2" });
  let met = 0;
  visit(document, {
    Collection(_key, node) {
      met += 1;
      if (comments[met % 8] === true) node.commentBefore = " why";
    },
  });
  return document.toString();
}

/** A value in which equal maps and lists are one and the same. */
function share(value: unknown, firsts: Map<string, unknown>): unknown {
  if (typeof value !== "object" || value === null) return value;
  const text = JSON.stringify(value);
  const first = firsts.get(text);
  if (first !== undefined) return first;
  const entries = Object.entries(value).map(([key, inner]) => [key, share(inner, firsts)]);
  const made = Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
  firsts.set(text, made);
  return made;
}

function toMachine(source: string): Machine {
  const { machine, problems } = parseMachine(source, { name: "app" });
  if (machine === undefined) throw new TypeError(JSON.stringify(problems));
  return machine;
}

function play(machine: Machine, steps: readonly unknown[]): readonly SimulationLine[] {
  const simulation = createSimulation(new Map([["app", machine]]));
  return steps.map((step) => simulation.step(step));
}

/**
 * What both versions must agree on: not the codes of refusals and not the details of statuses; the previous state only
 * where no handler advances several times, because version 2 enters the last of its states alone.
 */
function toComparable({ outcome, stack, dispatched, messages, cancelled, fired }: SimulationLine, collapsed: boolean) {
  return {
    outcome: outcome === "ignored" ? "refused" : outcome,
    stack: stack && {
      state: stack.state,
      metadata: stack.metadata,
      tasks: stack.tasks.map(({ name, status, errorMessage }) => ({ name, status, errorMessage })),
      ...(!collapsed && { previousState: stack.previousState }),
    },
    dispatched,
    cancelled,
    configs: messages.map(({ task }) => [task.name, task["executor"], task["config"]]),
    attempts: messages.map(({ dispatch }) => [dispatch.attempt, dispatch.deadline]),
    fired: fired?.map(({ at, timer, task, outcome: what }) => ({ at, timer, task, outcome: what })),
  };
}
