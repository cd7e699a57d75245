import { describe, expect, it } from "vitest";
import type { Sender } from "../../access/sender.ts";
import { defined } from "../../machine/json.ts";
import type { ReleaseNote } from "../../machine/release.ts";
import type { QueuedEvent } from "../../ports/stack-store.ts";
import { createTrial } from "../../testing/trial.ts";

const SOURCE = `
version: 2
events:
  OPENED: {}
  RELEASED: { allow: "actor.machine == 'shop-release' || 'oncall' in actor.groups" }
  PUSHED: { metadata: [api] }
  MERGED: {}
metadata: { api: { type: string }, password: { type: string, sensitive: true } }
states:
  INIT: { on: { OPENED: LIVE, RELEASED: LIVE } }
  LIVE: { tasks: [ok], on: { PUSHED: no-op, RELEASED: LIVE, MERGED: GONE }, protected: true }
  GONE: { terminal: true, tasks: [bye] }
tasks:
  ok: { executor: approval, config: { from: [ops] } }
  bye: { executor: work, config: {} }
`;

const release: Sender = {
  kind: "stack",
  id: "shop-1.42.0",
  name: "shop-1.42.0",
  machine: "shop-release",
  owner: "00u1",
  groups: [],
};
const ada: Sender = { kind: "person", id: "00u1", name: "ada", groups: ["ops"] };
const bob: Sender = { kind: "person", id: "00u2", name: "bob", groups: ["ops"] };

function createBench() {
  const trial = createTrial({ source: SOURCE });
  const { yard } = trial;
  const load = async (stackId = "prod") => (await yard.store.load([stackId]))[0];
  async function send(id: string, event: string, fields: Partial<QueuedEvent> & { readonly body?: object } = {}) {
    const { body, ...rest } = fields;
    const stackId = rest.stackId ?? "prod";
    const message = { stackId, event, machine: "app", ...body };
    await yard.store.enqueue([{ id, stackId, origin: "external", receivedAt: 0, message, sender: bob, ...rest }]);
    await yard.settle();
  }
  async function sendRelease(id: string, event: string, note: Partial<ReleaseNote> = {}, body: object = {}) {
    const loaded = await load();
    const given = { task: "production", createdAt: 5, incarnation: "r1", expect: loaded?.version ?? 0, ...note };
    await send(id, event, { origin: "stack", sender: release, release: given, body });
  }
  const lines = async (stackId = "prod") =>
    (await yard.listHistory(stackId)).map(({ eventId, outcome, code }) =>
      [eventId, outcome, code ?? ""].join(" ").trim(),
    );
  return { ...trial, load, send, sendRelease, lines };
}

describe("an event of a release", () => {
  it("is applied once, and the stack notes which release has set which value", async () => {
    const { sendRelease, load, lines, yard } = createBench();

    await sendRelease("stack:1", "RELEASED", { expiresAt: yard.clock.now() + 60_000 }, { metadata: { api: "1.42.0" } });
    await sendRelease("stack:1", "RELEASED", {}, { metadata: { api: "1.42.0" } });

    const stack = (await load())?.stack;
    expect(stack?.releases).toEqual({
      api: {
        id: "shop-1.42.0",
        createdAt: 5,
        incarnation: "r1",
        task: "production",
        event: "stack:1",
        value: "1.42.0",
        at: expect.any(Number),
      },
    });
    expect(await lines()).toEqual(["stack:1 applied"]);
    const [line] = await yard.listHistory("prod");
    expect(line).toMatchObject({
      internal: true,
      release: { id: "shop-1.42.0", machine: "shop-release", task: "production", createdAt: 5, incarnation: "r1" },
    });
  });

  it("that only notes the release changes nothing else, and keeps since when the value is there", async () => {
    const { sendRelease, load, lines } = createBench();
    await sendRelease("stack:1", "RELEASED", {}, { metadata: { api: "1.42.0" } });
    const before = (await load())?.stack;

    const newer = { incarnation: "r2", createdAt: 6, onlyNotes: true } as const;
    await sendRelease("stack:2", "RELEASED", newer, { metadata: { api: "1.42.0" } });

    const after = (await load())?.stack;
    const { state, entry, enteredAt, metadata, tasks, askedBy } = before ?? {};
    expect(after).toMatchObject({ state, entry, enteredAt, metadata, tasks, askedBy });
    expect(after?.releases).toEqual({
      api: { ...before?.releases?.["api"], incarnation: "r2", createdAt: 6, event: "stack:2" },
    });
    expect(await lines()).toEqual(["stack:1 applied", "stack:2 applied"]);
  });

  it("does not note values that are sensitive", async () => {
    const { sendRelease, load } = createBench();

    await sendRelease("stack:1", "RELEASED", {}, { metadata: { password: "hunter2" } });

    expect((await load())?.stack?.releases).toBeUndefined();
  });

  it("is refused when the stack has changed since it was examined, and never acts later", async () => {
    const { send, sendRelease, load, lines, listParked, listDeadLetters } = createBench();
    await send("e1", "OPENED");
    const before = await load();
    await send("e2", "PUSHED", { body: { metadata: { api: "by hand" } } });

    await sendRelease("stack:1", "RELEASED", defined({ expect: before?.version }), { metadata: { api: "1.42.0" } });
    await send("e3", "PUSHED", { body: { metadata: { api: "again" } } });

    expect(await lines()).toEqual(["e1 applied", "e2 applied", "stack:1 refused STACK_CHANGED", "e3 applied"]);
    expect(await listParked("prod")).toEqual([]);
    expect(await listDeadLetters()).toEqual([]);
  });

  it("is refused when another event of the same delivery comes first", async () => {
    const { send, load, yard, lines } = createBench();
    await send("e1", "OPENED");
    const version = (await load())?.version ?? 0;
    const body = { stackId: "prod", machine: "app" };
    const queued: QueuedEvent = {
      id: "stack:1",
      stackId: "prod",
      origin: "stack",
      receivedAt: 0,
      message: { ...body, event: "RELEASED", metadata: { api: "1" } },
      sender: release,
      release: { task: "production", createdAt: 5, incarnation: "r1", expect: version },
    };
    const before: QueuedEvent = {
      id: "e2",
      stackId: "prod",
      origin: "external",
      receivedAt: 0,
      message: { ...body, event: "PUSHED", metadata: { api: "2" } },
    };

    await yard.store.enqueue([before, queued]);
    await yard.settle();

    expect(await lines()).toEqual(["e1 applied", "e2 applied", "stack:1 refused STACK_CHANGED"]);
  });

  it("is refused after its time", async () => {
    const { sendRelease, lines, yard } = createBench();
    await yard.advance(1_000);

    await sendRelease("stack:1", "RELEASED", { expiresAt: yard.clock.now() - 1 }, { metadata: { api: "1" } });

    expect(await lines()).toEqual(["stack:1 refused EVENT_EXPIRED"]);
  });

  it.each(["MERGED", "NEXT", "RETRY_FAILED_TASKS", "REMOVE_STACK", "APPROVE_TASK", "SETTLE_TASK", "UPGRADE_STACK"])(
    "is refused and not kept when it is %s: a release neither confirms, approves nor operates",
    async (event) => {
      const { send, sendRelease, load, lines, listParked, listDeadLetters } = createBench();
      await send("e1", "OPENED");

      await sendRelease(
        "stack:1",
        event,
        {},
        { force: true, reason: "r", task: { name: "ok" }, as: "succeeded", confirm: "prod" },
      );

      expect((await lines()).at(-1)).toMatch(/^stack:1 refused /);
      expect((await load())?.stack?.state).toBe("LIVE");
      expect(await listParked("prod")).toEqual([]);
      expect(await listDeadLetters()).toEqual([]);
    },
  );

  it.each(["UNDECLARED", "PUSHED"])("is refused and not kept when the state does not handle it: %s", async (event) => {
    const { sendRelease, lines, listParked, listDeadLetters } = createBench();

    await sendRelease("stack:1", event);

    expect((await lines()).at(-1)).toMatch(/^stack:1 refused EVENT_/);
    expect(await listParked("prod")).toEqual([]);
    expect(await listDeadLetters()).toEqual([]);
  });

  it("cannot be about the release itself", async () => {
    const { send, lines } = createBench();
    const note = { task: "t", createdAt: 5, incarnation: "r1" };

    await send("stack:1", "RELEASED", { stackId: release.id, origin: "stack", sender: release, release: note });

    expect(await lines(release.id)).toEqual(["stack:1 refused NOT_ALLOWED"]);
  });

  it("has an id that no sender can take", async () => {
    const { send, sendRelease, load } = createBench();
    await send("stack:1", "OPENED");

    await sendRelease("stack:1", "RELEASED", {}, { metadata: { api: "1.42.0" } });

    expect((await load())?.stack?.metadata).toEqual({ api: "1.42.0" });
  });

  it("is for whom allow names its machine", async () => {
    const { send, sendRelease, lines } = createBench();
    await send("e1", "OPENED");

    await send("e2", "RELEASED", { body: { metadata: { api: "1" } } });
    await sendRelease("stack:1", "RELEASED", {}, { metadata: { api: "1" } });
    const other = { ...release, machine: "web-release" };
    await send("stack:2", "RELEASED", {
      origin: "stack",
      sender: other,
      release: { task: "t", createdAt: 5, incarnation: "r1" },
    });

    expect(await lines()).toEqual([
      "e1 applied",
      "e2 refused NOT_ALLOWED",
      "stack:1 applied",
      "stack:2 refused NOT_ALLOWED",
    ]);
  });

  it("cannot be approved by the person who has requested the release", async () => {
    const { sendRelease, send, load, lines } = createBench();
    await sendRelease("stack:1", "RELEASED", {}, { metadata: { api: "1.42.0" } });
    const dispatchId = (await load())?.stack?.approvals?.["ok"]?.id;
    const body = { task: { name: "ok" }, dispatchId };

    await send("a1", "APPROVE_TASK", { sender: ada, body });
    await send("a2", "APPROVE_TASK", { sender: bob, body });

    expect(await lines()).toEqual(["stack:1 applied", "a1 refused NOT_ALLOWED", "a2 applied"]);
  });

  it("restores the earlier releases when it undoes others", async () => {
    const { sendRelease, load } = createBench();
    await sendRelease("stack:1", "RELEASED", {}, { metadata: { api: "1.41.0" } });
    const before = (await load())?.stack?.releases;
    await sendRelease("stack:2", "RELEASED", {}, { metadata: { api: "1.42.0" } });

    await sendRelease("stack:3", "RELEASED", { restores: before ?? {} }, { metadata: { api: "1.41.0" } });

    expect((await load())?.stack).toMatchObject({ metadata: { api: "1.41.0" }, releases: before });
  });
});
