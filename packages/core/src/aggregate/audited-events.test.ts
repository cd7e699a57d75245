import { describe, expect, it } from "vitest";
import type { AuditEntry } from "../access/audit-entry.ts";
import type { Sender } from "../access/sender.ts";
import { DEFAULT_LIMITS } from "../machine/decide/work.ts";
import type { QueuedEvent } from "../ports/stack-store.ts";
import { aMachine, aStack } from "../testing/builders.ts";
import { countingIds } from "../testing/fake-clock.ts";
import { createTrial, type TrialInput } from "../testing/trial.ts";
import { applyInputs } from "./apply-inputs.ts";
import { DEFAULT_PARKING } from "./parking.ts";

const SOURCE = `
version: 2
events:
  OPENED: {}
  PUSHED: {}
  DEPLOY: { allow: "'ops' in actor.groups" }
  MERGED: { allow: "actor.kind == 'person'" }
metadata: { password: { type: string, sensitive: true } }
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD: { tasks: [db], after: [{ in: 2h, event: MERGED }], on: { MERGED: GONE, NEXT: LIVE } }
  LIVE: { on: { PUSHED: no-op, DEPLOY: no-op, MERGED: GONE } }
  GONE: { terminal: true }
tasks:
  db: { executor: work, config: {} }
`;

const ada: Sender = { kind: "person", id: "00u1", name: "ada", groups: ["ops"] };
const ci: Sender = { kind: "token", id: "t1", name: "ci", groups: ["ops"] };
const web: Sender = { kind: "token", id: "t2", name: "web", groups: [] };

function createBench(input: TrialInput = {}) {
  const { yard } = createTrial({ source: SOURCE, ...input });
  let sent = 0;
  /** Sends events one after the other, each with the id `e<number>`. */
  async function send(event: string, sender: Sender | undefined, fields: object = {}): Promise<void> {
    sent += 1;
    const message = { stackId: "pr-1", event, machine: "app", ...fields };
    const queued: QueuedEvent = { id: `e${sent}`, stackId: "pr-1", origin: "external", receivedAt: 0, message };
    await yard.store.enqueue([sender === undefined ? queued : { ...queued, actor: sender.name, sender }]);
    await yard.settle();
  }
  async function list(): Promise<readonly AuditEntry[]> {
    const { items } = await yard.store.records.list("audit/pending/", { limit: 1_000, now: 0 });
    return items.map(({ value }) => value as AuditEntry);
  }
  const listShort = async () =>
    (await list()).map(({ who, action, outcome, code = "" }) => `${who.name} ${action} ${outcome} ${code}`.trim());
  return { yard, send, list, listShort };
}

const running = { kind: "running", progress: {}, pollAfterMs: 3_600_000, message: "" } as const;

describe("what comes over the channel of assistants", () => {
  const robot: Sender = { ...ada, channel: "mcp" };

  it("is recorded, also where the same event of the token alone is not", async () => {
    const { send, list } = createBench();

    await send("OPENED", { ...web, channel: "mcp" });
    await send("PUSHED", web);

    expect((await list()).map(({ action, via }) => [action, via])).toEqual([["OPENED", "mcp"]]);
  });

  it.each(["APPROVE_TASK", "REJECT_TASK", "SETTLE_TASK", "REMOVE_STACK", "TASK_COMPLETED"])(
    "is refused by the engine too, when it is %s",
    async (event) => {
      const { send, listShort, yard } = createBench({ script: () => running });
      await send("OPENED", robot);

      await send(event, robot, { task: { name: "db" }, as: "succeeded", force: true, reason: "r" });

      expect((await listShort()).at(-1)).toBe(`ada ${event} denied NOT_ALLOWED`);
      expect((await yard.store.load(["pr-1"]))[0]?.stack?.state).toBe("BUILD");
    },
  );
});

describe("the audit log", () => {
  it("has an entry of what a person sends, with what it was about", async () => {
    const { send, list } = createBench();

    await send("OPENED", { ...ada, requestId: "r1", address: "192.0.2.1" });

    expect(await list()).toEqual([
      {
        id: expect.any(String),
        at: expect.any(Number),
        action: "OPENED",
        outcome: "done",
        who: { ...ada, requestId: "r1", address: "192.0.2.1" },
        via: "api",
        on: { machine: "app", stackId: "pr-1", eventId: "e1" },
      },
    ]);
  });

  // An event names its own line: someone who may send any is in the log as if another action had failed.
  it.each(["login", "denied", "revokeToken", "SETTLE_APPROVAL", "pruneAudit"])(
    "has no line of the action %s for an event of that name",
    async (name) => {
      const { send, list } = createBench();
      await send("OPENED", ci);

      await send(name, ada);

      expect((await list()).map(({ action, on }) => [action, on.eventId])).toEqual([[`event "${name}"`, "e2"]]);
    },
  );

  it("has none of other events of tokens, of results and of timers", async () => {
    const { yard, send, list } = createBench({ script: ({ attempt }) => (attempt === 1 ? undefined : running) });
    await send("OPENED", ci);
    await send("PUSHED", ci);
    await send("PUSHED", undefined);

    await yard.advance(3 * 3_600_000);

    expect(await list()).toEqual([]);
  });

  it("contains every operator's event, for any sender and outcome", async () => {
    const { send, list, listShort } = createBench({ script: () => running });
    await send("OPENED", ci);

    await send("CANCEL_TASK", ci, { task: { name: "nope" } });
    await send("SETTLE_TASK", undefined, { task: { name: "db" }, as: "succeeded", reason: "by hand", actor: "root" });
    await send("REMOVE_STACK", ci, { force: true, reason: "gone" });
    await send("RETRY_FAILED_TASKS", ci, { machine: undefined });

    expect(await listShort()).toEqual([
      "ci CANCEL_TASK failed TASK_NOT_CURRENT",
      "root SETTLE_TASK done",
      "ci REMOVE_STACK done",
      "ci RETRY_FAILED_TASKS failed STACK_UNKNOWN",
    ]);
    const entries = await list();
    expect(entries[1]).toMatchObject({ who: { kind: "anonymous", id: "" }, via: "queue", reason: "by hand" });
    expect(entries.map(({ on }) => on)).toMatchObject([
      { machine: "app", task: "nope" },
      { machine: "app", task: "db" },
      { machine: "app" },
      { stackId: "pr-1" },
    ]);
  });

  it("has events that the machine restricts, and each that was not allowed", async () => {
    const { send, listShort } = createBench();
    await send("OPENED", ci);

    await send("DEPLOY", ci);
    await send("DEPLOY", web);
    await send("DEPLOY", undefined, { actor: "ada" });

    expect(await listShort()).toEqual([
      "ci DEPLOY done",
      "web DEPLOY denied NOT_ALLOWED",
      "ada DEPLOY denied NOT_ALLOWED",
    ]);
  });

  it("lets the machine's own timer send a restricted event, without an entry", async () => {
    const { yard, send, list } = createBench({ script: () => running });
    await send("OPENED", ci);

    await yard.advance(2 * 3_600_000);

    expect([await yard.findStack("pr-1"), await list()]).toEqual([undefined, []]);
  });

  it("has one entry of an event that was parked, when it is decided for good", async () => {
    const { yard, send, listShort } = createBench({ script: () => running });
    await send("OPENED", ci);
    await send("PUSHED", ada);
    await send("DEPLOY", ada);
    expect(await listShort()).toEqual([]);

    await send("SETTLE_TASK", ci, { task: { name: "db" }, as: "succeeded", reason: "r" });

    expect(await listShort()).toEqual(["ci SETTLE_TASK done", "ada PUSHED done", "ada DEPLOY done"]);
    expect((await yard.findStack("pr-1"))?.state).toBe("LIVE");
  });

  it("has an entry of a parked event that is given up", async () => {
    const { yard, send, listShort } = createBench({ script: () => running });
    await send("OPENED", ci);
    await send("PUSHED", ada);

    await yard.advance(3_700_000);

    expect(await listShort()).toEqual(["ada PUSHED failed EVENT_NOT_HANDLED"]);
  });

  it("has no entry of a delivery that is repeated", () => {
    const message = { stackId: "pr-1", event: "CANCEL_TASK", task: { name: "db" } };
    const event = { id: "e1", stackId: "pr-1", origin: "external", receivedAt: 0, message, sender: ada } as const;
    const stack = aStack({ id: "pr-1", machine: "app" });
    const machine = aMachine({ IDLE: {} }, { name: "app" });

    const applied = applyInputs(
      { stackId: "pr-1", version: 1, stack, parked: [] },
      [{ kind: "delivery", stackId: "pr-1", delivery: { event, deliveries: 2 } }],
      {
        now: 0,
        machines: () => ({ kind: "found", machine, notes: [] }),
        limits: DEFAULT_LIMITS,
        random: undefined,
        ids: countingIds(),
        parking: DEFAULT_PARKING,
        refusedEvents: "park",
        allowExternalNext: false,
        everyRunnerClaims: true,
        maxDeliveries: 10,
        knownIds: new Set(["e1"]),
        left: [],
      },
    );

    expect(applied).toMatchObject({ change: { history: [{ code: "DUPLICATE" }] } });
    expect(applied).not.toHaveProperty("change.audit");
  });

  it("shows no sensitive value of the stack in a reason", async () => {
    const { send, list } = createBench({ script: () => running });
    await send("OPENED", ada, { metadata: { password: "hunter2-hunter2" } });

    await send("SETTLE_TASK", ada, { task: { name: "db" }, as: "succeeded", reason: "it is hunter2-hunter2" });

    expect((await list())[1]?.reason).toBe("it is ***");
    expect(JSON.stringify(await list())).not.toContain("hunter2");
  });

  it("never parks or dead-letters an event that is not allowed, also where refused events are delivered again", async () => {
    for (const refusedEvents of ["park", "redeliver", "drop"] as const) {
      const { yard, send, listShort } = createBench({ engine: { refusedEvents } });
      await send("OPENED", ci);

      await send("DEPLOY", web);

      const { items } = await yard.store.queries.listHistory({ stackId: "pr-1", newestFirst: true }, { limit: 1 });
      expect(items[0]).toMatchObject({ event: "DEPLOY", outcome: "refused", code: "NOT_ALLOWED", actor: "web" });
      expect(await yard.store.queries.stats()).toMatchObject({ parkedEvents: 0, deadLetters: 0, queuedEvents: 0 });
      expect(await listShort()).toEqual(["web DEPLOY denied NOT_ALLOWED"]);
    }
  });
});
