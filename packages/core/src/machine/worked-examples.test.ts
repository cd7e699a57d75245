import { readFileSync } from "node:fs";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { createSimulation } from "../simulation/simulation.ts";
import type { SimulationLine } from "../simulation/simulation-line.ts";
import { acceptingExecutors, anEvent, play, toApplied } from "../testing/builders.ts";
import { decide } from "./decide/decide.ts";
import type { StackEvent } from "./event-message.ts";
import type { ExecutorDefinition } from "./executor-definition.ts";
import type { Machine } from "./machine.ts";
import { parseMachine } from "./parse-machine.ts";
import { readSecrets } from "./secrets.ts";
import type { Stack } from "./stack.ts";

// Rows: event (`+t` succeeded, `-t "why"` failed; `machine` names it; then its metadata) | outcome and state (previous) |
// tasks (P pending, S satisfied, E error) | sent | metadata. The early PUSHED is parked; LIVE applies it.
const EXAMPLES: Readonly<Record<string, string>> = {
  "review-app": `
    OPENED machine {"sha":"a1"} | BUILD (INIT) | network P, db P | network, db | {"sha":"a1"}
    +db | BUILD (INIT) | network P, db S | – | {"sha":"a1"}
    PUSHED {"sha":"a2"} | EVENT_NOT_HANDLED BUILD (INIT) | network P, db S | – | {"sha":"a1"}
    -network "quota" | BUILD (INIT) | network E, db S | – | {"sha":"a1"}
    RETRY_PENDING_TASKS | BUILD (INIT) | network E, db S | – | {"sha":"a1"}
    RETRY_FAILED_TASKS | BUILD (INIT) | network P, db S | network | {"sha":"a1"}
    +network | ROLL-OUT (BUILD) | app P | app | {"sha":"a1"}
    VISITED {"seen":5} | ROLL-OUT (BUILD) | app P | – | {"sha":"a1","seen":5}
    +app | ROLL-OUT (LIVE) | app P | app | {"sha":"a2","seen":5}
    MERGED | CLEAN-UP (ROLL-OUT) | app-off P, network-off P | app-off, network-off | {"sha":"a2","seen":5}
    +app | TASK_NOT_CURRENT CLEAN-UP (ROLL-OUT) | app-off P, network-off P | – | {"sha":"a2","seen":5}
    +app-off | CLEAN-UP (ROLL-OUT) | app-off S, network-off P | – | {"sha":"a2","seen":5}
    +network-off | removed | – | – | –
    VISITED | STACK_UNKNOWN | – | – | –`,
  "release-train": `
    CUT machine | CHECK (INIT) | unit P, scan P | unit, scan | {}
    +scan | CHECK (INIT) | unit P, scan S | – | {}
    +unit | CHECK (INIT) | unit S, scan S | – | {}
    REWORK | INIT (CHECK) | – | – | {}
    CUT | CHECK (INIT) | unit P, scan P | unit, scan | {}
    +unit | CHECK (INIT) | unit S, scan P | – | {}
    SHIP | SHIPPING (CHECK) | publish P | publish | {}
    +scan | TASK_NOT_CURRENT SHIPPING (CHECK) | publish P | – | {}
    -publish "registry down" | SHIPPING (CHECK) | publish E | – | {}
    RETRY_FAILED_TASKS | SHIPPING (CHECK) | publish P | publish | {}
    +publish | removed | – | – | –`,
  sandbox: `
    CREATE machine {"owner":"kim"} | STARTING (INIT) | size-up P | size-up | {"owner":"kim"}
    +size-up | ON (STARTING) | – | – | {"owner":"kim"}
    SLEEP | STOPPING (ON) | size-down P | size-down | {"owner":"kim"}
    WAKE | STARTING (STOPPING) | size-up P | size-up | {"owner":"kim"}
    +size-down | TASK_NOT_CURRENT STARTING (STOPPING) | size-up P | – | {"owner":"kim"}
    +size-up | ON (STARTING) | – | – | {"owner":"kim"}
    WAKE | EVENT_NOT_HANDLED ON (STARTING) | – | – | {"owner":"kim"}
    DELETE | DELETING (ON) | remove P | remove | {"owner":"kim"}
    -remove "in use" | DELETING (ON) | remove E | – | {"owner":"kim"}
    DELETE | EVENT_REPEATED DELETING (ON) | remove E | – | {"owner":"kim"}
    RETRY_FAILED_TASKS | DELETING (ON) | remove P | remove | {"owner":"kim"}
    +remove | removed | – | – | –`,
  "odd-corners": `
    JUMP machine | IDLE (BUSY) | – | – | {}
    KEEP {"k":1} | IDLE (BUSY) | – | – | {"k":1}
    GO | INIT (IDLE) | tidy P | tidy | {"k":1}
    RETRY_PENDING_TASKS | INIT (IDLE) | tidy P | tidy | {"k":1}
    GO | IDLE (INIT) | – | – | {"k":1}
    +tidy | TASK_NOT_CURRENT IDLE (INIT) | – | – | {"k":1}
    END | LAST (IDLE) | tidy P | tidy | {"k":1}
    KEEP | IDLE (LAST) | – | – | {"k":1}
    END | LAST (IDLE) | tidy P | tidy | {"k":1}
    +tidy | removed | – | – | –`,
};

describe.each(Object.keys(EXAMPLES))("the worked example %s", (name) => {
  it("does what its table says, row by row", () => {
    const rows = (EXAMPLES[name] ?? "")
      .trim()
      .split("\n")
      .map((row) => row.trim());
    const simulation = createSimulation(new Map([[name, loadMachine(name)]]));

    const shown = rows.map((row) => {
      const [event = ""] = row.split(" | ");
      return `${event} | ${show(simulation.step(toStep(event, name)))}`;
    });

    expect(shown).toEqual(rows);
  });
});

function loadMachine(name: string): Machine {
  const source = readFileSync(new URL(`../../fixtures/machines/valid/${name}.yaml`, import.meta.url), "utf8");
  const { machine, problems } = parseMachine(source, { name });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  return machine;
}

function toStep(text: string, machine: string): unknown {
  const [, sign, word = "", named, rest = ""] = /^([+-])?([A-Za-z_-]+)( machine)? ?(.*)$/.exec(text) ?? [];
  if (sign === "+") return { task: word, result: "succeeded" };
  if (sign === "-") return { task: word, result: "failed", message: JSON.parse(rest) };
  const metadata = rest === "" ? {} : { metadata: JSON.parse(rest) };
  return { event: { stackId: "s", event: word, ...(named ? { machine } : {}), ...metadata } };
}

function show({ outcome, code, stack, dispatched }: SimulationLine): string {
  const state = stack === null ? [] : [`${stack.state} (${stack.previousState})`];
  const first = outcome === "removed" ? ["removed"] : [...(code === undefined ? [] : [code]), ...state];
  const tasks = stack?.tasks.map(({ name, status }) => `${name} ${status[0]}`) ?? [];
  const metadata = stack === null ? "–" : JSON.stringify(stack.metadata);
  return [first.join(" "), tasks.join(", ") || "–", dispatched.join(", ") || "–", metadata].join(" | ");
}

const ecs: ExecutorDefinition = { name: "ecs", config: Type.Object({}), resumable: true };
const source = readFileSync(new URL("../../fixtures/machines/valid-v2/review-app.yaml", import.meta.url), "utf8");
const { machine } = parseMachine(source, {
  name: "review-app",
  executors: new Map([["ecs", ecs], ...acceptingExecutors("lambda", "terraform")]),
});
if (machine === undefined) throw new Error("The example has errors.");
const app = machine;

const pushed = (image = "shop/app:v1") => anEvent("PUSHED", { machine: "review-app", metadata: { image } });
const done = (task: string, outputs: Readonly<Record<string, unknown>> = {}) =>
  anEvent("TASK_COMPLETED", { task: { name: task }, outputs });
const failed = (task: string) => anEvent("TASK_ERROR", { task: { name: task }, description: "no" });
const decideOn = (stack: Stack, event: StackEvent) => toApplied(decide(app, stack, event));
const detailsOf = ({ tasks }: Stack) => tasks.map(({ name, status, detail }) => `${name} ${detail ?? status}`);
const network = done("network", { vpc_id: "vpc-1" });
const database = done("database", { password: "hunter22" });
const live = play(app, pushed(), network, database, done("app", { logsUrl: "https://logs" }));

describe("the review application of version 2", () => {
  it("builds task after task, each with what the one before gave", () => {
    const first = toApplied(decide(app, undefined, pushed()));
    const second = decideOn(first.stack, network);
    const third = decideOn(second.stack, database);

    expect([first, second, third].map(({ dispatches }) => dispatches.map(({ message }) => message.task))).toEqual([
      [
        {
          name: "network",
          executor: "terraform",
          config: { action: "apply", source: { type: "local", location: "./network" } },
          target: { account: "111122223333", region: "eu-west-1", role: "stackyard-preview" },
        },
      ],
      [{ name: "database", executor: "lambda", config: { name: "make-db", args: { vpc: "vpc-1" } } }],
      [{ name: "app", executor: "ecs", config: { cluster: "preview", taskDefinition: "review:v1" } }],
    ]);
    expect(second.dispatches.map(({ timeoutMs }) => timeoutMs)).toEqual([600_000]);
  });

  it("has its address and hides its password when it is live", () => {
    const [dispatch] = decideOn(play(app, pushed(), network), database).dispatches;

    expect([live.state, live.metadata]).toEqual([
      "LIVE",
      { image: "shop/app:v1", url: "https://logs", password: "hunter22" },
    ]);
    expect(dispatch?.message.stack.metadata["password"]).toEqual({ $secret: "password#1" });
    expect(JSON.stringify(dispatch)).not.toContain("hunter22");
    expect(readSecrets(live, ["password#1"])).toEqual({ "password#1": "hunter22" });
  });

  it("tries to build three times, then is broken", () => {
    const twice = play(app, pushed(), failed("network"), failed("network"));

    expect([twice.state, twice.visits, detailsOf(twice)]).toEqual([
      "BUILD",
      { INIT: 1, BUILD: 3 },
      ["network RUNNING", "database WAITING", "app WAITING"],
    ]);
    expect(decideOn(twice, failed("network")).stack.state).toBe("BROKEN");
  });

  it("tries the database four times by itself", () => {
    const { stack } = decideOn(play(app, pushed(), network), failed("database"));

    expect(stack.timers.map(({ event, dueAt, jitterMs }) => [event, dueAt, jitterMs])).toEqual([
      ["TIMEOUT", 2_701_000, undefined],
      ["TASK_RETRY_DUE", 6_000, 5_000],
    ]);
  });

  it("is cleaned up after 72 hours, unless an operator keeps it", () => {
    const [timer] = live.timers;
    const kept = decideOn(live, anEvent("KEEP", { at: 9_000 })).stack;
    const merged = { origin: "timer", timerId: timer?.id ?? "", at: timer?.dueAt ?? 0 } as const;

    const { stack } = decideOn(live, anEvent("MERGED", merged));

    expect([kept.state, kept.timers[0]?.dueAt]).toEqual(["LIVE", 9_000 + 259_200_000]);
    expect([stack.state, detailsOf(stack)]).toEqual(["CLEAN-UP", ["remove RUNNING"]]);
    expect(decideOn(stack, done("remove")).removed).toBe(true);
  });

  it("waits for what it left before it cleans up", () => {
    const building = play(app, pushed(), anEvent("MERGED"));

    expect(detailsOf(building)).toEqual(["remove WAITING"]);
    expect(detailsOf(decideOn(building, failed("network")).stack)).toEqual(["remove RUNNING"]);
  });

  it("refuses an invalid image, and a push without one", () => {
    expect(decide(app, live, pushed("shop app"))).toMatchObject({ code: "METADATA_INVALID" });
    expect(decide(app, live, anEvent("PUSHED"))).toMatchObject({ code: "EVENT_METADATA_REQUIRED" });
  });
});
