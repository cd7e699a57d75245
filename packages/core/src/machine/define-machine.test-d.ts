import { describe, expectTypeOf, it } from "vitest";
import { type DefinedMachine, defineMachine, type EventOf } from "./define-machine.ts";

const task = { executor: "lambda", config: { name: "f" } } as const;

const machine = defineMachine({
  version: 1,
  name: "review-app",
  events: ["OPENED", "MERGED"],
  "x-owner": "team",
  states: {
    INIT: { on: { OPENED: [{ action: "advance", state: "LIVE" }] } },
    LIVE: { tasks: ["app"], on: { NEXT: [{ action: "no-op" }], MERGED: [{ action: "advance", state: "GONE" }] } },
    GONE: { terminal: true },
  },
  tasks: { app: task },
});

describe("defineMachine", () => {
  it("knows events, states and tasks by name", () => {
    expectTypeOf(machine).toEqualTypeOf<DefinedMachine<"OPENED" | "MERGED", "INIT" | "LIVE" | "GONE", "app">>();
    expectTypeOf<EventOf<typeof machine>>().toEqualTypeOf<"OPENED" | "MERGED">();
  });

  it("fits where any machine is wanted", () => {
    expectTypeOf(machine).toExtend<DefinedMachine>();
  });

  it("takes a machine without events and tasks", () => {
    const empty = defineMachine({ version: 1, events: [], states: { INIT: { terminal: true } }, tasks: {} });

    expectTypeOf<EventOf<typeof empty>>().toEqualTypeOf<never>();
  });

  it("refuses names that the document does not have", () => {
    const base = { version: 1, events: ["GO"], tasks: { app: task } } as const;

    // @ts-expect-error: an unknown state
    defineMachine({ ...base, states: { INIT: { on: { GO: [{ action: "advance", state: "NOWHERE" }] } } } });
    // @ts-expect-error: an unknown event
    defineMachine({ ...base, states: { INIT: { on: { STOP: [] } } } });
    // @ts-expect-error: an unknown task
    defineMachine({ ...base, states: { INIT: { tasks: ["ap"] } } });
    // @ts-expect-error: an unknown action
    defineMachine({ ...base, states: { INIT: { on: { GO: [{ action: "jump" }] } } } });
    // @ts-expect-error: INIT is missing
    defineMachine({ ...base, states: { START: {} } });
    // @ts-expect-error: another version
    defineMachine({ ...base, version: 2, states: { INIT: {} } });
    // @ts-expect-error: an unknown key
    defineMachine({ ...base, states: { INIT: {} }, event: [] });
  });
});
