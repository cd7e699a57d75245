import { describe, expect, it } from "vitest";
import { aMachineV2, anEvent, someRules } from "../../testing/builders.ts";
import { anExpression, readKey } from "../../testing/expressions.ts";
import { play, toApplied } from "../../testing/play.ts";
import type { Machine } from "../machine.ts";
import { decide } from "./decide.ts";

const machine = aMachineV2(
  {
    INIT: { on: { OPENED: ["BUILD"] } },
    BUILD: { tasks: ["db"], on: { PUSHED: ["BUILD"], NEXT: [] } },
  },
  {
    metadata: someRules({
      size: { type: "number", default: 3, minimum: 1 },
      owner: { type: "string", required: true, immutable: true },
      password: { type: "string", sensitive: true },
    }),
    requiredMetadata: new Map([["PUSHED", ["image", "size"]]]),
  },
);
const opened = anEvent("OPENED", { metadata: { owner: "ann" } });
const create = (metadata?: unknown, on: Machine = machine) =>
  decide(on, undefined, anEvent("OPENED", { machine: "review-app", metadata }));
const refused = (code: string, reason: string) => ({ kind: "rejected", code, reason });

describe("a stack that begins", () => {
  it("gets defaults for keys that its first event does not bring, null counting as brought", () => {
    const bring = (metadata: object) => toApplied(create({ owner: "ann", ...metadata })).stack.metadata;

    expect([bring({}), bring({ size: 5 }), bring({ size: null })]).toEqual([
      { size: 3, owner: "ann" },
      { size: 5, owner: "ann" },
      { size: null, owner: "ann" },
    ]);
  });

  it("has them before the first condition is looked at", () => {
    const picky = aMachineV2(
      { INIT: { on: { OPENED: [{ when: anExpression((scope) => readKey(scope, "size") === 3), to: "A" }] } }, A: {} },
      { metadata: machine.metadata },
    );

    expect(toApplied(create({ owner: "ann" }, picky)).stack.state).toBe("A");
  });

  it("shows conditions its first event as it came, without them", () => {
    const seen: unknown[] = [];
    const look = anExpression(({ event }) => {
      seen.push(event?.metadata);
      return true;
    });
    const watched = aMachineV2(
      { INIT: { on: { OPENED: [{ when: look, to: "A" }] } }, A: {} },
      { metadata: machine.metadata },
    );

    create({ owner: "ann" }, watched);

    expect(seen).toEqual([{ owner: "ann" }]);
  });

  it("is refused without its required keys, whatever event begins it", () => {
    const reason = 'The metadata key "owner" is required.';
    const retry = anEvent("RETRY_PENDING_TASKS", { machine: "review-app" });

    expect(create()).toEqual(refused("METADATA_INVALID", reason));
    expect(decide(machine, undefined, retry)).toEqual(refused("METADATA_INVALID", reason));
    expect(decide(machine, undefined, { ...retry, name: "TASK_COMPLETED", origin: "worker" })).toEqual(
      refused("METADATA_INVALID", reason),
    );
  });
});

describe("what an event brings", () => {
  const stack = play(machine, opened);
  const push = (metadata: unknown, name = "PUSHED") => decide(machine, stack, anEvent(name, { metadata }));

  it("must have the keys that the event asks for, also those that the stack has", () => {
    const both = '"PUSHED" must bring "image" and "size" in its metadata.';

    expect([push(undefined), push("text"), push({ image: null })].map((decision) => decision)).toEqual(
      Array(3).fill(refused("EVENT_METADATA_REQUIRED", both)),
    );
    expect(push({ image: "a" })).toMatchObject({ reason: '"PUSHED" must bring "size" in its metadata.' });
    expect(push({ image: "a", size: 1 }).kind).toBe("applied");
  });

  it("is looked at in this order: name, required keys, flatness, rules, reaction", () => {
    const codesOf = (...cases: readonly [string, unknown][]) =>
      cases.map(([name, metadata]) => {
        const decision = push(metadata, name);
        return decision.kind === "rejected" ? decision.code : decision.kind;
      });

    expect(
      codesOf(
        ["OTHER", { image: [] }],
        ["PUSHED", { image: [] }],
        ["PUSHED", { image: [], size: "x" }],
        ["PUSHED", { image: "a", size: 0 }],
        ["OPENED", { size: 0 }],
        ["OPENED", {}],
      ),
    ).toEqual([
      "EVENT_UNDECLARED",
      "EVENT_METADATA_REQUIRED",
      "METADATA_NOT_FLAT",
      "METADATA_INVALID",
      "METADATA_INVALID",
      "EVENT_NOT_HANDLED",
    ]);
  });

  it("is refused as a whole for one bad key", () => {
    expect(push({ image: "a", size: "big" })).toEqual(
      refused("METADATA_INVALID", 'The metadata key "size" must be a number, not a string.'),
    );
  });

  it("may not change what is immutable, in operators' events and results from outside either", () => {
    const reason = 'The metadata key "owner" is immutable and has a value already.';
    const bring = (name: string) =>
      decide(machine, stack, anEvent(name, { task: { name: "db" }, metadata: { owner: "bob" } }));

    expect([bring("RETRY_FAILED_TASKS"), bring("TASK_COMPLETED")]).toEqual(
      Array(2).fill(refused("METADATA_INVALID", reason)),
    );
  });

  it("fails the task when a worker has settled it with metadata that the rules refuse", () => {
    const event = anEvent("TASK_COMPLETED", { task: { name: "db" }, origin: "worker", metadata: { size: 0 } });

    const { tasks, metadata } = toApplied(decide(machine, stack, event)).stack;

    expect(tasks).toEqual([
      {
        name: "db",
        status: "ERROR",
        errorMessage: 'The metadata key "size" must be a number of at least 1.',
        errorCode: "OUTPUT_INVALID",
      },
    ]);
    expect(metadata).toEqual(stack.metadata);
  });

  it("tells no value of a sensitive key", () => {
    expect(push({ image: "a", size: 1, password: 12345 })).toMatchObject({
      reason: 'The metadata key "password" must be a string, not a number.',
    });
  });
});

describe("names that are the engine's", () => {
  const stack = play(machine, opened);

  it.each(["NEXT", "FAILED", "TIMEOUT"])("%s is refused from outside", (name) => {
    expect(decide(machine, stack, anEvent(name))).toEqual(
      refused("EVENT_RESERVED", `"${name}" is sent by the engine only.`),
    );
  });
});
