import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createSimulation } from "../simulation/simulation.ts";
import type { SimulationLine } from "../simulation/simulation-line.ts";
import type { Machine } from "./machine.ts";
import { parseMachine } from "./parse-machine.ts";

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
    DELETE | EVENT_NOT_HANDLED DELETING (ON) | remove E | – | {"owner":"kim"}
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
