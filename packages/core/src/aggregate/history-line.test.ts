import { describe, expect, it } from "vitest";
import { HistoryEntry as ShownLine } from "../api/event.ts";
import type { Applied, Decision } from "../machine/decide/decision.ts";
import { EventMessage, type StackEvent } from "../machine/event-message.ts";
import { defined } from "../machine/json.ts";
import { type MetadataRule, PLAIN_TASK } from "../machine/machine.ts";
import type { Stack } from "../machine/stack.ts";
import { aMachine, anEvent, aStack } from "../testing/builders.ts";
import { aDispatch, aQueuedEvent } from "../testing/store-conformance/store-builders.ts";
import {
  findMaskedKeys,
  findRefusedKeys,
  maskFreeTexts,
  toHistoryEntry,
  toPrintedMessage,
  toPrintedMetadata,
  toUnreadEntry,
} from "./history-line.ts";

const before = aStack({ state: "IDLE" });
const after = aStack({ state: "BUILD", entry: 1 });

describe("a line of the history", () => {
  it("contains what an applied event did", () => {
    const entry = toHistoryEntry({
      event: anEvent("LAUNCH", { actor: "kim", metadata: { sha: "9f1c" }, reason: "release" }),
      decision: {
        kind: "applied",
        stack: after,
        removed: false,
        dispatches: [aDispatch("a1", { task: "db" }), aDispatch("a2", { task: "app" })],
        cancels: [],
        endedAttempts: [],
        notes: ["stalled"],
      },
      outcome: "applied",
      before,
      notes: ["an older revision"],
      machine: aMachine({ IDLE: {} }),
    });

    expect(entry).toEqual({
      stackId: "pr-12",
      at: 1_000,
      eventId: "event-1",
      event: "LAUNCH",
      outcome: "applied",
      sent: ["db", "app"],
      notes: ["an older revision", "stalled"],
      incarnation: "event-0",
      actor: "kim",
      reason: "release",
      from: "IDLE",
      to: "BUILD",
      metadata: { sha: "9f1c" },
      machineHash: "0".repeat(64),
    });
  });

  it("contains the id of the person who has sent the event: names may repeat (grafana#17635)", () => {
    const kim = { kind: "person", id: "https://id.example.org kim", name: "kim", groups: [] } as const;
    const toLine = (sender: StackEvent["sender"]) =>
      toHistoryEntry({
        event: anEvent("LAUNCH", { actor: "kim", ...defined({ sender }) }),
        decision: { kind: "ignored", code: "EVENT_IGNORED", reason: "no-op", notes: [] } as unknown as Decision,
        outcome: "ignored",
        before,
        notes: [],
        machine: undefined,
      });

    expect(toLine(kim)).toMatchObject({ actor: "kim", actorId: "https://id.example.org kim" });
    expect(toLine({ ...kim, kind: "token" })).not.toHaveProperty("actorId");
    expect(toLine(undefined)).not.toHaveProperty("actorId");
    const refused = { code: "EVENT_INVALID", reason: "…", outcome: "dead-lettered", at: 1 } as const;
    expect(toUnreadEntry(aQueuedEvent("e1", { sender: kim }), refused)).toMatchObject({ actorId: kim.id });
  });

  it("contains why an event was refused, and the unchanged state", () => {
    const entry = toHistoryEntry({
      event: anEvent("TASK_ERROR", { task: { name: "db" }, description: "quota" }),
      decision: { kind: "rejected", code: "TASK_NOT_CURRENT", reason: "no such task" },
      outcome: "refused",
      before,
      notes: [],
      machine: undefined,
    });

    expect(entry).toMatchObject({
      outcome: "refused",
      code: "TASK_NOT_CURRENT",
      reason: "no such task",
      from: "IDLE",
      to: "IDLE",
      task: "db",
      description: "quota",
      sent: [],
    });
  });

  it("names no states of an unknown stack", () => {
    const entry = toHistoryEntry({
      event: anEvent("LAUNCH"),
      decision: { kind: "ignored", code: "STACK_UNKNOWN", reason: "none" },
      outcome: "ignored",
      before: undefined,
      notes: [],
      machine: undefined,
    });

    expect(entry).toEqual({
      stackId: "pr-12",
      at: 1_000,
      eventId: "event-1",
      event: "LAUNCH",
      outcome: "ignored",
      code: "STACK_UNKNOWN",
      reason: "none",
      sent: [],
      notes: [],
    });
  });

  it.each([
    [{ event: "GO" }, "GO"],
    [{ action: "GO" }, "GO"],
    [{ event: 7 }, ""],
    [{}, ""],
  ])("names what cannot be read by what it calls itself: %j", (message, event) => {
    const why = { code: "EVENT_INVALID", reason: "no event", outcome: "dead-lettered", at: 5 } as const;

    expect(toUnreadEntry(aQueuedEvent("e1", { stackId: "", actor: "kim", message }), why)).toEqual({
      stackId: "",
      at: 5,
      eventId: "e1",
      event,
      actor: "kim",
      outcome: "dead-lettered",
      code: "EVENT_INVALID",
      reason: "no event",
      sent: [],
      notes: [],
    });
  });
});

const secretive = aMachine(
  { IDLE: {} },
  {
    version: 2,
    metadata: {
      keys: new Map([["password", { required: false, sensitive: true, immutable: false }]]),
      additional: true,
    },
  },
);
const aTask = { ...PLAIN_TASK, name: "db", definition: {}, timeoutMs: 1, cancelWithinMs: 1 };
const knowing = (password: string, version: number): Partial<Stack> => ({
  metadata: { password, url: "x" },
  secretVersions: { password: version },
});
const applied = (stack: Stack): Applied => ({
  kind: "applied",
  stack,
  removed: false,
  dispatches: [],
  cancels: [],
  endedAttempts: [],
  notes: ["It was hunter22."],
});
const lineOf = (event: Partial<StackEvent>, decision: Decision, known: Partial<Stack> = {}) =>
  toHistoryEntry({
    event: anEvent("GO", event),
    decision,
    outcome: decision.kind === "applied" ? "applied" : "refused",
    before: aStack(known),
    notes: [],
    machine: secretive,
  });

describe("a line about an event that brought a secret", () => {
  const metadata = { password: "hunter22", url: "x" };

  it("holds the reference of a value that was stored", () => {
    const entry = lineOf({ metadata }, applied(aStack(knowing("hunter22", 3))));

    expect(entry.metadata).toEqual({ password: { $secret: "password#3" }, url: "x" });
    expect(JSON.stringify(entry)).not.toContain("hunter22");
  });

  it("holds nothing of a value that was refused, and nothing of the reason that quotes it", () => {
    const decision = { kind: "rejected", code: "EXPRESSION_FAILED", reason: "no int: hunter22" } as const;

    const entry = lineOf({ metadata }, decision, knowing("hunter21", 2));

    expect(entry.metadata).toEqual({ password: "***", url: "x" });
    expect(entry.reason).toBe("no int: ***");
  });

  it("shows null, which is not a secret", () => {
    expect(lineOf({ metadata: { password: null } }, applied(aStack())).metadata).toEqual({ password: null });
  });
});

describe("a line about a result", () => {
  const result = { name: "TASK_COMPLETED", origin: "worker", task: { name: "db" }, dispatchId: "a1" } as const;

  it("masks what a task's error quotes of the stack's secrets", () => {
    const event = { ...result, name: "TASK_ERROR", description: "psql: wrong password hunter22", retryable: false };

    const entry = lineOf(event, applied(aStack(knowing("hunter22", 1))), knowing("hunter22", 1));

    expect(entry).toMatchObject({ description: "psql: wrong password ***", retryable: false, notes: ["It was ***."] });
  });

  it("masks the code of a failed task, which is free text, and not the codes of Stackyard", () => {
    const event = { ...result, name: "TASK_ERROR", code: "AUTH_hunter22" };
    const refusal = { kind: "rejected", code: "TASK_hunter22", reason: "no" } as never;
    const known = knowing("hunter22", 1);

    expect(lineOf(event, applied(aStack(known)), known).code).toBe("AUTH_***");
    expect(lineOf(event, refusal, known).code).toBe("TASK_hunter22");
  });

  it("keeps outputs for a replay, sensitive ones as their references", () => {
    const event = {
      ...result,
      outputs: { host: "h", key: "hunter22", lost: "hunter23" },
      sensitiveOutputs: ["key", "lost"],
    };
    const outputs = { db: { host: "h", key: { $secret: "tasks.db.key#1" } } };

    const entry = lineOf(event, applied(aStack({ outputs })));

    expect(entry.outputs).toEqual({ host: "h", key: { $secret: "tasks.db.key#1" }, lost: "***" });
    expect(JSON.stringify(entry)).not.toContain("hunter2");
  });

  it("hides what a task gives for a sensitive key, whether its worker says so or not", () => {
    const machine = {
      ...secretive,
      tasks: new Map([
        [
          "db",
          {
            ...aTask,
            outputs: new Map([
              ["password", "pw"],
              ["url", "url"],
            ]),
          },
        ],
      ]),
    };
    const event = anEvent("TASK_COMPLETED", { ...result, outputs: { pw: "hunter22", url: "x" } });
    const decision = applied(aStack(knowing("hunter22", 1)));

    const entry = toHistoryEntry({ event, decision, outcome: "applied", before: aStack(), notes: [], machine });

    expect(entry.outputs).toEqual({ pw: "***", url: "x" });
    expect(JSON.stringify(entry)).not.toContain("hunter22");
  });

  it("keeps no outputs and nothing else more than before for stacks of version 1", () => {
    const entry = toHistoryEntry({
      event: anEvent("TASK_ERROR", { ...result, name: "TASK_ERROR", outputs: { a: 1 }, retryable: true }),
      decision: applied(aStack()),
      outcome: "applied",
      before: aStack(),
      notes: [],
      machine: aMachine({ IDLE: {} }),
    });

    expect(["outputs", "retryable", "dispatchId", "timer", "confirmed"].filter((key) => key in entry)).toEqual([]);
  });
});

// A new field belongs in one of these lists: free text is masked, and what decides or identifies is kept.
describe("the fields", () => {
  const SECRET = "hunter22";

  it("of a line are masked, or identify what has happened", () => {
    const quoting = `It was ${SECRET}.`;
    const event = {
      ...{ name: "TASK_ERROR", code: quoting, reason: quoting, description: quoting, task: { name: "db" } },
      ...{ metadata: { password: SECRET }, outputs: { key: quoting }, sensitiveOutputs: ["key"] },
    };
    const known = knowing(SECRET, 1);
    const line = lineOf(event, applied(aStack(known)), known);
    const masked = Object.entries(line).flatMap(([key, value]) =>
      /\*\*\*|\$secret/.test(JSON.stringify(value)) ? [key] : [],
    );
    const plain = [
      ...["position", "stackId", "at", "eventId", "internal", "release", "event", "outcome", "incarnation", "actor"],
      ...["from", "to", "task", "retryable", "dispatchId", "timer", "raisedBy", "confirmed", "sent", "unfinished"],
      ...["set", "machineHash", "unwatchedMs", "actorId", "commit", "commits", "repeats"],
    ];

    expect(JSON.stringify(line)).not.toContain(SECRET);
    expect([...masked, ...plain].sort()).toEqual(Object.keys(ShownLine.properties).sort());
  });

  it("of a message are masked where they are kept, or decide", () => {
    const message = Object.fromEntries(Object.keys(EventMessage.properties).map((key) => [key, SECRET]));
    const kept = maskFreeTexts({ ...message, more: { note: SECRET } }, [SECRET]);
    const decisive = Object.keys(kept).filter((key) => kept[key] === SECRET);

    expect(kept).toMatchObject({ reason: "***", description: "***", more: { note: "***" } });
    expect(decisive).toEqual([
      ...["id", "stackId", "event", "action", "machine", "metadata", "task", "dispatchId", "code"],
      ...[
        "retryable",
        "outputs",
        "sensitiveOutputs",
        "confirm",
        "to",
        "of",
        "plan",
        "actor",
        "seen",
        "as",
        "approval",
        "force",
      ],
    ]);
  });
});

describe("what the machine has set", () => {
  it("is in the line, as far as there is room for it, and without secrets", () => {
    const known = knowing("hunter22", 3);
    const long = "x".repeat(5_000);
    const stack = aStack({ ...known, metadata: { ...known.metadata, sha: "9f1c", long, tag: "v1" } });

    const entry = lineOf({}, { ...applied(stack), set: ["password", "long", "sha"] });

    expect(entry.set).toEqual({ password: "***", sha: "9f1c" });
    expect(lineOf({}, { ...applied(stack), set: ["long"] }).set).toBeUndefined();
    expect(lineOf({}, applied(stack)).set).toBeUndefined();
  });
});

describe("what a replay needs", () => {
  it("is in the line: the attempt that outsiders answer, the timer, the confirmation", () => {
    const entries = [
      lineOf({ name: "TASK_COMPLETED", dispatchId: "a1" }, applied(aStack())),
      lineOf({ origin: "timer", timerId: "1/after/0" }, applied(aStack())),
      lineOf({ confirm: "pr-12" }, applied(aStack())),
      lineOf({ confirm: "pr-13" }, applied(aStack())),
    ];

    expect(entries.map(({ dispatchId, timer, confirmed }) => [dispatchId, timer, confirmed])).toEqual([
      ["a1", undefined, undefined],
      [undefined, "1/after/0", undefined],
      [undefined, undefined, true],
      [undefined, undefined, undefined],
    ]);
  });
});

const rule = (sensitive: boolean): MetadataRule => ({ required: false, sensitive, immutable: false });
const machine = aMachine(
  { INIT: {} },
  {
    metadata: {
      keys: new Map([
        ["password", rule(true)],
        ["url", rule(false)],
      ]),
      additional: true,
    },
  },
);
const plain = aMachine({ INIT: {} });

describe("the keys of an event that must not be shown", () => {
  it("are those that its machine declares sensitive, and no others", () => {
    const metadata = { password: "hunter22", url: "x", other: 1 };

    expect(findMaskedKeys({ metadata }, { machine, stack: undefined })).toEqual(["password"]);
    expect(findMaskedKeys({ metadata: { url: "x" } }, { machine, stack: undefined })).toBeUndefined();
    expect(findMaskedKeys({ metadata }, { machine: plain, stack: undefined })).toBeUndefined();
  });

  it("are those too that the stack holds as secrets under a machine that no longer says so", () => {
    const stack = aStack({ metadata: { password: "old-secret" }, secretVersions: { password: 1 } });

    expect(findMaskedKeys({ metadata: { password: "hunter22" } }, { machine: plain, stack })).toEqual(["password"]);
  });

  it("are all where no machine was found", () => {
    expect(findMaskedKeys({ metadata: { a: 1 } }, { machine: undefined, stack: undefined })).toBe("all");
    expect(findMaskedKeys({ outputs: { a: 1 } }, { machine: undefined, stack: undefined })).toBe("all");
    expect(findMaskedKeys({}, { machine: undefined, stack: undefined })).toBeUndefined();
  });

  it("are those too in which a map or list may hide a secret", () => {
    const hidden = { deep: { password: "hunter22" }, url: "x" };

    expect(findMaskedKeys({ metadata: hidden }, { machine, stack: undefined })).toEqual(["deep"]);
    expect(findMaskedKeys({ metadata: "password=hunter22" }, { machine, stack: undefined })).toBe("all");
    expect(findMaskedKeys({ metadata: hidden }, { machine: plain, stack: undefined })).toBeUndefined();
  });
});

describe("what of a refused event must not be shown", () => {
  const result = anEvent("TASK_COMPLETED", { task: { name: "db" }, outputs: { password: "hunter22" } });
  const held = aStack({ keptSecrets: { "tasks.db.outputs.key#1": "hunter22" } });

  it("is all of a result where something is sensitive: its outputs may become such keys, its texts may quote them", () => {
    expect(findRefusedKeys(result, { machine, stack: undefined })).toBe("all");
    expect(findRefusedKeys(result, { machine: plain, stack: held })).toBe("all");
    expect(findRefusedKeys(result, { machine: undefined, stack: undefined })).toBe("all");
    expect(findRefusedKeys({ ...result, sensitiveOutputs: ["a"] }, { machine: plain, stack: undefined })).toBe("all");
  });

  it("is what its keys say of any other event, and of a result where nothing is sensitive", () => {
    const metadata = { password: "hunter22" };

    expect(findRefusedKeys(anEvent("GO", { metadata }), { machine, stack: undefined })).toEqual(["password"]);
    expect(findRefusedKeys(anEvent("GO"), { machine: undefined, stack: undefined })).toBeUndefined();
    expect(findRefusedKeys(result, { machine: plain, stack: aStack() })).toBeUndefined();
  });
});

describe("printed metadata", () => {
  it("hides what must not be shown, and shows null", () => {
    const metadata = { password: "hunter22", token: null, url: "x" };

    expect(toPrintedMetadata(metadata, ["password", "token"])).toEqual({ password: "***", token: null, url: "x" });
    expect(toPrintedMetadata(metadata, "all")).toEqual({ password: "***", token: null, url: "***" });
    expect(toPrintedMetadata(metadata, undefined)).toBe(metadata);
    expect(toPrintedMetadata("hunter22", "all")).toBe("***");
  });
});

describe("a printed message", () => {
  it("is as received, without sensitive metadata and outputs", () => {
    const message = {
      event: "TASK_COMPLETED",
      task: { name: "db" },
      metadata: { password: "hunter22", url: "x" },
      outputs: { key: "hunter23", id: 4 },
      sensitiveOutputs: ["key"],
    };

    expect(toPrintedMessage(message, ["password"])).toEqual({
      ...message,
      metadata: { password: "***", url: "x" },
      outputs: { key: "***", id: 4 },
    });
    expect(toPrintedMessage({ event: "GO", extra: 1 }, undefined)).toEqual({ event: "GO", extra: 1 });
  });

  it("keeps the shape of an unknown message", () => {
    const hidden = { metdata: { password: "hunter22", on: true }, list: ["hunter22"], outputs: { key: "hunter22" } };
    const message = { stackId: "pr-1", event: "GO", ...hidden };

    expect(toPrintedMessage(message, "all")).toEqual({
      stackId: "pr-1",
      event: "GO",
      metdata: { password: "***", on: true },
      list: ["***"],
      outputs: { key: "***" },
    });
  });

  it.each<[string, unknown, unknown]>([
    ["a commit", { id: "a".repeat(40), key: "sha" }, { id: "a".repeat(40), key: "sha" }],
    ["text", "deploy with hunter22", "***"],
    ["no id", { id: "hunter22", key: "sha" }, { id: "***", key: "***" }],
    [
      "more than a commit",
      { id: "a".repeat(40), key: "sha", note: "hunter22" },
      { id: "***", key: "***", note: "***" },
    ],
  ])("shows the commit of an unknown message only where it is one: %s", (_, commit, shown) => {
    expect(toPrintedMessage({ commit }, "all")).toEqual({ commit: shown });
    expect(JSON.stringify(maskFreeTexts({ commit }, ["hunter22"]))).not.toContain("hunter22");
  });
});
