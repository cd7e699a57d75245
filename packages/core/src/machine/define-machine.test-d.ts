import type { Static, TSchema } from "typebox";
import { describe, expectTypeOf, it } from "vitest";
import { type DefinedMachine, defineMachine, type EventOf, type MachineDocument } from "./define-machine.ts";
import type {
  AdvancePart,
  EventPart,
  MachineV2Part,
  NoOpPart,
  StatePart,
  TargetPart,
  TaskPart,
} from "./v2/machine-v2-schema.ts";
import type { AfterPart } from "./v2/schema-parts.ts";

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

type Event = "OPENED" | "MERGED";
type State = "INIT" | "LIVE" | "GONE";

describe("defineMachine", () => {
  it("knows events, states and tasks by name", () => {
    expectTypeOf(machine).toEqualTypeOf<DefinedMachine<Event, State, "app", MachineDocument<Event, State, "app">>>();
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
    defineMachine({ ...base, version: 3, states: { INIT: {} } });
    // @ts-expect-error: an unknown key
    defineMachine({ ...base, states: { INIT: {} }, event: [] });
  });
});

const second = defineMachine({
  version: 2,
  name: "review-app",
  description: "With every key.",
  "x-owner": "team",
  revision: "follow",
  additionalMetadata: false,
  events: { OPENED: { metadata: ["image"] }, MERGED: {} },
  metadata: { image: { type: "string", pattern: "^a", required: true }, size: { default: 2, maximum: 3 } },
  targets: { preview: { account: "111122223333", region: "eu-west-1" } },
  states: {
    INIT: { on: { OPENED: "LIVE" } },
    LIVE: {
      tasks: ["network", "app"],
      timeout: "45m",
      leaving: "cancel",
      protected: true,
      after: [{ in: "72h", event: "MERGED" }],
      on: {
        NEXT: "no-op",
        FAILED: [
          { when: "stack.visits.LIVE < 3", action: "advance", state: "LIVE", set: { size: 3 } },
          { action: "no-op" },
        ],
        TIMEOUT: "GONE",
        MERGED: "GONE",
      },
    },
    GONE: { terminal: true },
  },
  tasks: {
    network: { executor: "terraform", target: "preview", config: { action: "apply" }, outputs: { size: "size" } },
    app: { executor: "lambda", needs: ["network"], timeout: "10m", retry: { attempts: 3, backoff: { from: "5s" } } },
  },
});

type Document = (typeof second)["document"];
type StateOf = Document["states"]["LIVE"];
type TaskOf = NonNullable<Document["tasks"]>["app"];
type Entry = Extract<NonNullable<NonNullable<StateOf["on"]>["NEXT"]>, readonly unknown[]>[number];

/** The keys of any member of a union, without those of the author's own. */
type KeysOf<Part> = Part extends unknown ? Exclude<keyof Part, `x-${string}`> : never;
type SchemaKeys<Schema extends TSchema> = keyof Static<Schema>;

describe("defineMachine of version 2", () => {
  it("has the keys of the schema, and no others", () => {
    expectTypeOf<KeysOf<Document>>().toEqualTypeOf<keyof MachineV2Part>();
    expectTypeOf<KeysOf<StateOf>>().toEqualTypeOf<SchemaKeys<typeof StatePart>>();
    expectTypeOf<KeysOf<TaskOf>>().toEqualTypeOf<SchemaKeys<typeof TaskPart>>();
    expectTypeOf<KeysOf<NonNullable<StateOf["after"]>[number]>>().toEqualTypeOf<SchemaKeys<typeof AfterPart>>();
    expectTypeOf<KeysOf<Extract<Entry, { action: "advance" }>>>().toEqualTypeOf<SchemaKeys<typeof AdvancePart>>();
    expectTypeOf<KeysOf<Extract<Entry, { action: "no-op" }>>>().toEqualTypeOf<SchemaKeys<typeof NoOpPart>>();
    expectTypeOf<KeysOf<NonNullable<Document["targets"]>["preview"]>>().toEqualTypeOf<SchemaKeys<typeof TargetPart>>();
    expectTypeOf<KeysOf<Extract<NonNullable<Document["events"]>, { OPENED: unknown }>["OPENED"]>>().toEqualTypeOf<
      SchemaKeys<typeof EventPart>
    >();
  });

  it("has the values of the schema", () => {
    expectTypeOf<Document["revision"]>().toEqualTypeOf<"pin" | "follow" | undefined>();
    expectTypeOf<StateOf["leaving"]>().toEqualTypeOf<"abandon" | "wait" | "cancel" | undefined>();
    expectTypeOf<TaskOf["config"]>().toEqualTypeOf<Readonly<Record<string, unknown>> | undefined>();
    expectTypeOf<Entry["set"]>().toEqualTypeOf<
      Readonly<Record<string, string | number | boolean | null>> | undefined
    >();
    expectTypeOf<NonNullable<Document["metadata"]>[string]["type"]>().toEqualTypeOf<
      "string" | "number" | "boolean" | undefined
    >();
  });

  it("wants a time in an entry of after", () => {
    const base = { version: 2, events: ["GO"], tasks: { app: task } } as const;
    const on = { GO: "no-op" } as const;

    defineMachine({
      ...base,
      states: { INIT: { on, after: [{ cron: "0 3 * * *", zone: "Europe/Berlin", event: "GO" }] } },
    });
    // @ts-expect-error: no time
    defineMachine({ ...base, states: { INIT: { on, after: [{ event: "GO" }] } } });
  });

  it("knows events by name, of a map and of a list", () => {
    const listed = defineMachine({ version: 2, events: ["GO"], states: { INIT: { on: { GO: "INIT" } } } });

    expectTypeOf<EventOf<typeof second>>().toEqualTypeOf<Event>();
    expectTypeOf<EventOf<typeof listed>>().toEqualTypeOf<"GO">();
  });

  it("fits where any machine is wanted", () => {
    expectTypeOf(second).toExtend<DefinedMachine>();
  });

  it("takes a machine without events, tasks and targets", () => {
    const empty = defineMachine({
      version: 2,
      states: { INIT: { terminal: true, timeout: "1h", on: { TIMEOUT: "INIT" } } },
    });

    expectTypeOf<EventOf<typeof empty>>().toEqualTypeOf<never>();
  });

  it("refuses names that the document does not have", () => {
    const base = { version: 2, events: ["GO"], tasks: { app: task } } as const;

    // @ts-expect-error: an unknown state
    defineMachine({ ...base, states: { INIT: { on: { GO: "NOWHERE" } } } });
    // @ts-expect-error: an unknown state in an entry
    defineMachine({ ...base, states: { INIT: { on: { GO: [{ action: "advance", state: "NOWHERE" }] } } } });
    // @ts-expect-error: an unknown event
    defineMachine({ ...base, states: { INIT: { on: { STOP: "no-op" } } } });
    // @ts-expect-error: an event of a timer that is not declared
    defineMachine({ ...base, states: { INIT: { after: [{ in: "1h", event: "STOP" }] } } });
    // @ts-expect-error: an unknown task
    defineMachine({ ...base, states: { INIT: { tasks: ["ap"] } } });
    // @ts-expect-error: a need that is not a task
    defineMachine({ ...base, states: { INIT: {} }, tasks: { app: { ...task, needs: ["db"] } } });
    // @ts-expect-error: an unknown target
    defineMachine({ ...base, states: { INIT: {} }, tasks: { app: { ...task, target: "here" } } });
    // @ts-expect-error: a length of time without a unit
    defineMachine({ ...base, states: { INIT: { timeout: "45" } } });
    // @ts-expect-error: INIT is missing
    defineMachine({ ...base, states: { START: {} } });
    // @ts-expect-error: a key of version 1's shape only
    defineMachine({ ...base, states: { INIT: { on: { GO: [{}] } } } });
  });
});
