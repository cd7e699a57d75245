import { expect, it } from "vitest";
import type { StackFacts } from "./find-stack.ts";
import { toYardEntry } from "./to-yard-entry.ts";

const stack: StackFacts = {
  id: "arn:aws:cloudformation:eu-west-1:111122223333:stack/s/1",
  name: "s",
  status: "CREATE_COMPLETE",
  reason: undefined,
  tags: new Map(),
  changedAt: "2026-01-01T00:00:00.000Z",
  parameters: new Map([
    ["MachineBucket", "machines"],
    ["MachinePrefix", ""],
  ]),
  outputs: { EventQueueUrl: "https://sqs/q", StacksTableName: "stackyard-main-stacks", LongTaskQueueUrl: "" },
};

it("is what the configuration takes", () => {
  expect(toYardEntry("main", stack)).toBe(`main: {
  type: "aws",
  region: "eu-west-1",
  eventQueueUrl: "https://sqs/q",
  stacksTable: "stackyard-main-stacks",
  machines: {"bucket":"machines"},
},`);
});

it("quotes a name that is no word", () => {
  expect(toYardEntry("my-yard", stack)).toContain('"my-yard": {');
});

it("is none for a stack without a queue of events", () => {
  expect(toYardEntry("main", { ...stack, outputs: {} })).toBeUndefined();
  expect(toYardEntry("main", undefined)).toBeUndefined();
});
