import { describe, expect, it } from "vitest";
import { StackyardError } from "../errors/stackyard-error.ts";
import { createMemoryStore } from "../memory/memory-store.ts";
import { silentLogger } from "../ports/executor.ts";
import { createFakeClock } from "../testing/fake-clock.ts";
import { createRecordingLogger } from "../testing/recording-logger.ts";
import { aChange, aDispatch, aQueuedEvent } from "../testing/store-conformance/store-builders.ts";
import { createOutboxRelay, type DrainOptions, type OutboxRelayDeps, sendResults } from "./relay.ts";

const ATTEMPT = "pr-12/e1/1/db/1";

function createBench(transport: Partial<OutboxRelayDeps["transport"]> = {}) {
  const clock = createFakeClock();
  const store = createMemoryStore();
  const sent: string[] = [];
  const logger = createRecordingLogger();
  const relay = createOutboxRelay({
    store,
    clock,
    logger,
    transport: {
      publish: async (events) => void sent.push(...events.map(({ id }) => `event ${id}`)),
      sendTasks: async (messages) => void sent.push(...messages.map(({ dispatch }) => `task ${dispatch.id}`)),
      ...transport,
    },
  });

  /** Commits the dispatch of one attempt. */
  async function dispatch(attemptId = ATTEMPT): Promise<void> {
    const dispatches = [aDispatch(attemptId, { stackId: "pr-12" })];
    await store.commit([aChange({ stackId: "pr-12", dispatches, now: clock.now() })]);
  }

  const claim = (attemptId = ATTEMPT) =>
    store.claim({ attemptId, owner: "w1", leaseMs: 60_000, exclusiveKeys: [], now: clock.now() });

  /** Claims an attempt and suspends it for so long. */
  async function suspendFor(ms: number, attemptId = ATTEMPT): Promise<void> {
    const claimed = await claim(attemptId);
    if (claimed.kind !== "granted") throw new TypeError("The claim was not granted.");
    await store.suspend(claimed.grant, { progress: {}, dueAt: clock.now() + ms, now: clock.now() });
  }
  return { clock, logger, store, sent, relay, dispatch, claim, suspendFor };
}

describe("createOutboxRelay", () => {
  it("has nothing to send", async () => {
    const { relay, sent } = createBench();

    expect(await relay.drain()).toBe(0);
    expect(sent).toEqual([]);
  });

  it("sends events and task messages once, more than fit into one take too", async () => {
    const { relay, store, sent, dispatch } = createBench();
    await store.enqueue(Array.from({ length: 150 }, (_, index) => aQueuedEvent(`e${index}`)));
    await dispatch();

    expect(await relay.drain()).toBe(151);
    expect(await relay.drain()).toBe(0);

    expect(sent.slice(0, 2)).toEqual(["event e0", "event e1"]);
    expect(sent.at(-1)).toBe(`task ${ATTEMPT}`);
    expect(new Set(sent).size).toBe(151);
  });

  it("sends the message of a suspended attempt when its poll is due, and once until it is claimed", async () => {
    const { clock, relay, sent, dispatch, suspendFor } = createBench();
    await dispatch();
    await suspendFor(60_000);

    expect(await relay.drain()).toBe(0);
    await clock.advance(60_000);
    expect(await relay.drain()).toBe(1);
    await clock.advance(60_000);
    expect(await relay.drain()).toBe(0);

    expect(sent).toEqual([`task ${ATTEMPT}`]);
  });

  it("sends polls ahead with the delay that is left and a second more, once", async () => {
    const delays: (number | undefined)[] = [];
    const { clock, relay, dispatch, suspendFor } = createBench({
      sendTasks: async (messages, options) => void delays.push(...messages.map(() => options?.delayMs)),
    });
    await dispatch();
    await suspendFor(60_500);
    const pollsUntil = clock.now() + 120_000;

    const sent = await relay.drain({ kinds: ["poll"], pollsUntil });
    const again = await relay.drain({ kinds: ["poll"], pollsUntil });
    await clock.advance(61_000);
    const when = await relay.drain();

    expect([delays, sent, again, when]).toEqual([[62_000], 1, 0, 0]);
  });

  it("hands polls out again that it could not send ahead", async () => {
    let down = true;
    const { clock, relay, sent, dispatch, suspendFor } = createBench({
      async sendTasks(messages) {
        if (down) throw new StackyardError("UNREACHABLE", "The queue does not answer.");
        sent.push(...messages.map(({ dispatch: { id } }) => id));
      },
    });
    await dispatch("a1");
    await suspendFor(10_000, "a1");
    await dispatch("a2");
    await suspendFor(20_000, "a2");
    const pollsUntil = clock.now() + 60_000;

    await expect(relay.drain({ kinds: ["poll"], pollsUntil })).rejects.toMatchObject({ code: "UNREACHABLE" });
    down = false;

    expect(await relay.drain({ kinds: ["poll"], pollsUntil })).toBe(2);
  });

  it("sends only the requested kinds, and nothing after its stop time", async () => {
    const { relay, store, sent, clock, dispatch } = createBench();
    await store.enqueue([aQueuedEvent("e1")]);
    await dispatch();

    expect(await relay.drain({ stopAt: clock.now() })).toBe(0);
    expect(await relay.drain({ kinds: ["task"] })).toBe(1);

    expect(sent).toEqual([`task ${ATTEMPT}`]);
  });

  it("sends the message of an attempt whose owner is gone", async () => {
    const { clock, relay, sent, dispatch, claim } = createBench();
    await dispatch();
    await claim();

    await clock.advance(60_001);

    expect(await relay.drain()).toBe(1);
    expect(sent).toEqual([`task ${ATTEMPT}`]);
  });

  it("leaves in the outbox what could not be sent", async () => {
    let down = true;
    const published: string[] = [];
    const { relay, store } = createBench({
      async publish(events) {
        if (down) throw new StackyardError("UNREACHABLE", "The queue does not answer.");
        published.push(...events.map(({ id }) => id));
      },
    });
    await store.enqueue([aQueuedEvent("e1")]);

    await expect(relay.drain()).rejects.toMatchObject({ code: "UNREACHABLE" });
    down = false;

    expect(await relay.drain()).toBe(1);
    expect(published).toEqual(["e1"]);
  });

  it("skips what is too large for the queue, and checks it again later", async () => {
    const published: string[] = [];
    const { clock, relay, store } = createBench({
      async publish(events) {
        if (events.some(({ id }) => id === "large")) throw new StackyardError("PAYLOAD_TOO_LARGE", "It is too large.");
        published.push(...events.map(({ id }) => id));
      },
    });
    await store.enqueue(["a", "large", "b"].map((id) => aQueuedEvent(id, { stackId: id })));

    expect(await relay.drain()).toBe(2);
    expect(published).toEqual(["a", "b"]);
    await clock.advance(300_000);
    expect(await store.takeDue({ kinds: ["event"], now: clock.now(), limit: 10, leaseMs: 1 })).toMatchObject([
      { event: { id: "large" }, deliveries: 2 },
    ]);
  });

  it("skips a message that its queue rejects permanently, and sends those around it", async () => {
    const refused = new StackyardError("CONFIG_INVALID", "The queue refuses it.", { details: { refused: "message" } });
    const published: string[] = [];
    const { clock, logger, relay, store } = createBench({
      async publish(events) {
        if (events.some(({ id }) => id === "bad")) throw refused;
        published.push(...events.map(({ id }) => id));
      },
    });
    await store.enqueue(["a", "bad", "b"].map((id) => aQueuedEvent(id, { stackId: id })));

    expect(await relay.drain()).toBe(2);
    expect(await relay.drain()).toBe(0);
    expect(published).toEqual(["a", "b"]);
    expect(logger.list("error")).toEqual(["The queue rejected a message of the outbox; it is sent again later."]);
    await clock.advance(300_000);
    expect(await store.takeDue({ kinds: ["event"], now: clock.now(), limit: 10, leaseMs: 1 })).toMatchObject([
      { event: { id: "bad" }, deliveries: 2 },
    ]);
  });

  it("skips nothing when a queue is missing", async () => {
    const published: number[] = [];
    const { relay, store } = createBench({
      async publish(events) {
        published.push(events.length);
        throw new StackyardError("CONFIG_INVALID", "The queue does not exist.");
      },
    });
    await store.enqueue(["a", "b"].map((id) => aQueuedEvent(id, { stackId: id })));

    await expect(relay.drain()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(published).toEqual([2]);
  });

  it("sends again what a process that died had taken", async () => {
    const { clock, relay, store, sent } = createBench();
    await store.enqueue([aQueuedEvent("e1")]);
    await store.takeDue({ kinds: ["event"], now: clock.now(), limit: 10, leaseMs: 30_000 });

    expect(await relay.drain()).toBe(0);
    await clock.advance(30_000);

    expect(await relay.drain()).toBe(1);
    expect(sent).toEqual(["event e1"]);
  });
});

function createSending(drain: () => Promise<number>, isOwn = false) {
  const clock = createFakeClock();
  const drained: (DrainOptions | undefined)[] = [];
  const errors: unknown[] = [];
  const outbox = {
    drain(options?: DrainOptions) {
      drained.push(options);
      return drain();
    },
  };
  const logger = { ...silentLogger, error: (_message: string, fields: unknown) => void errors.push(fields) };
  return {
    clock,
    drained,
    errors,
    send: () => sendResults("a1", { outbox, kinds: ["event", "task"], isOwn, clock, logger }),
  };
}

describe("a settled task's result", () => {
  it("is sent, and what waited for the task", async () => {
    const { clock, drained, errors, send } = createSending(async () => 2);

    await send();

    expect([drained, errors]).toEqual([[{ kinds: ["event", "task"], stopAt: clock.now() + 5_000 }], []]);
  });

  it("is followed by those that waited behind it, which no other call would send", async () => {
    const left = [1, 2];
    const { drained, send } = createSending(async () => left.pop() ?? 0, true);

    await send();

    expect([drained.length, left]).toEqual([3, []]);
  });

  it("leaves to the sweep what cannot be sent in five seconds", async () => {
    const bench = createSending(async () => {
      await bench.clock.advance(2_000);
      return 1;
    }, true);

    await bench.send();

    expect(bench.drained).toHaveLength(3);
  });

  it("stays in the store when it cannot be sent, and the log says so", async () => {
    const { errors, send } = createSending(() => Promise.reject(new StackyardError("UNREACHABLE", "No answer.")));

    await send();

    expect(errors).toMatchObject([{ code: "UNREACHABLE", attemptId: "a1" }]);
  });
});
