import { expect, it } from "vitest";
import type { Sender } from "../../access/sender.ts";
import { anEvent } from "../../testing/builders.ts";
import type { StackEvent } from "../event-message.ts";
import { parseMachine } from "../parse-machine.ts";
import type { Stack } from "../stack.ts";
import { decide } from "./decide.ts";

const { machine } = parseMachine(
  `
version: 2
events: [GO, SET]
metadata: { api: { type: string }, ring: { type: string } }
states: { INIT: { on: { GO: LIVE, SET: LIVE } }, LIVE: { on: { GO: LIVE, SET: no-op } } }
tasks: {}
`,
  { name: "app" },
);

function play(...events: readonly StackEvent[]): Stack["releases"] {
  if (machine === undefined) throw new Error("The machine has errors.");
  let stack: Stack | undefined;
  for (const [index, event] of events.entries()) {
    const decision = decide(machine, stack, { ...event, machine: "app", id: `${index}`, at: 10 * (index + 1) });
    if (decision.kind === "applied") stack = decision.stack;
  }
  return stack?.releases;
}

const sender: Sender = { kind: "stack", id: "shop-2", name: "shop-2", groups: [] };
const release = { task: "tenants", createdAt: 1, incarnation: "i" };
const released = (api: string) => anEvent("GO", { origin: "stack", sender, metadata: { api }, release });
const set = (metadata: object) => anEvent("SET", { metadata: { ...metadata } });

it("of a value is noted with the instant since which it is there, also when others have changed it and back", () => {
  const noted = play(set({ api: "1" }), released("2"), set({ api: "3" }), set({ api: "2" }));

  expect(noted).toMatchObject({ api: { id: "shop-2", value: "2", at: 40 } });
});

it("keeps its instant when others bring what is there, or another key", () => {
  expect(play(released("2"), set({ api: "2" }), set({ ring: "a" }))).toMatchObject({ api: { at: 10 } });
});

it("has a new instant where an undo has restored it", () => {
  const before = { id: "shop-1", incarnation: "i", createdAt: 0, task: "t", event: "e", value: "1", at: 1 };
  const undone = { ...released("1"), release: { ...release, restores: { api: before } } };

  expect(play(released("2"), undone)).toEqual({ api: { ...before, at: 20 } });
});

it("is gone where an undo has restored a value that no release had set", () => {
  const undone = { ...released("1"), release: { ...release, restores: { api: null } } };

  expect(play(released("2"), undone)).toBeUndefined();
});
