import { describe, expect, it } from "vitest";
import { findCarrier, type TraceCarrier } from "./spans.ts";
import { aYard } from "./testing/a-yard.ts";

const one = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
const two = { traceparent: "00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01" };
const traceOf = ({ traceparent }: TraceCarrier) => traceparent?.slice(3, 35);
type Yard = ReturnType<typeof aYard>;

/** Traces of the task messages in the outbox, by stack. */
async function takeTasks({ take }: Yard) {
  const items = await take("task");
  return items.flatMap((item) => (item.kind === "task" ? [item] : []));
}

describe("following an event", () => {
  it("keeps its trace with the tasks that it sends", async () => {
    const yard = aYard();

    await yard.decide([yard.toEvent("OPENED", "pr-1", {}), one]);

    const [span] = yard.follow.spansByName()["decide OPENED"] ?? [];
    const tasks = await takeTasks(yard);
    expect(tasks.map(({ message }) => findCarrier(message.dispatch))).toEqual(
      [1, 2].map(() => ({ traceparent: `00-${traceOf(one)}-${span?.spanContext().spanId}-01` })),
    );
    expect(span?.parentSpanContext?.spanId).toBe("b7ad6b7169203331");
  });

  it("keeps traces apart of events that one commit decides together", async () => {
    const yard = aYard();

    await yard.decide([yard.toEvent("OPENED", "pr-1", {}), one], [yard.toEvent("OPENED", "pr-2", {}), two]);

    const traces = (await takeTasks(yard)).map(
      ({ message }) => `${message.stack.id} ${traceOf(findCarrier(message.dispatch))}`,
    );
    expect([...new Set(traces)].sort()).toEqual([`pr-1 ${traceOf(one)}`, `pr-2 ${traceOf(two)}`]);
  });

  it("keeps traces apart of events of one stack that one commit applies", async () => {
    const yard = aYard();

    await yard.decide([yard.toEvent("OPENED", "pr-1", {}), one], [yard.toEvent("PUSHED", "pr-1", {}), two]);

    const traces = (await takeTasks(yard)).map(({ message }) => traceOf(findCarrier(message.dispatch)));
    expect(new Set(traces)).toEqual(new Set([traceOf(one), traceOf(two)]));
  });

  it("continues through the executor and the result into the next decision", async () => {
    const yard = aYard();
    await yard.decide([yard.toEvent("OPENED", "pr-1", {}), one]);

    for (const { attemptId, message } of await takeTasks(yard)) {
      await yard.follow.scopes.run({ carrier: findCarrier(message.dispatch) }, () =>
        yard.worker.handle({ attemptId, message, deliveries: 1 }),
      );
    }
    const results = (await yard.take("event")).flatMap((item) => (item.kind === "event" ? [item.event] : []));
    // As the state manager does with events of the store's own queue: nothing came along but the body.
    await yard.engine.handle(results.map((event) => ({ event, deliveries: 1 })));

    expect(results.map(({ message }) => traceOf(findCarrier(message)))).toEqual([traceOf(one), traceOf(one)]);
    const spans = Object.entries(yard.follow.spansByName()).flatMap(([name, all]) =>
      all.map((span) => `${name} ${span.spanContext().traceId === traceOf(one)}`),
    );
    expect(spans.sort()).toEqual([
      ...["decide OPENED true", "decide TASK_COMPLETED true", "decide TASK_COMPLETED true"],
      ...["work start true", "work start true"],
    ]);
    const [stack] = await yard.store.load(["pr-1"]);
    expect(stack?.stack?.state).toBe("LIVE");
  });

  it("records its outcome on its span", async () => {
    const yard = aYard();

    await yard.decide([yard.toEvent("OPENED", "pr-1", {}), one]);
    await yard.decide([yard.toEvent("MERGED", "pr-1", {}), two]);

    const { "decide OPENED": [opened] = [], "decide MERGED": [merged] = [] } = yard.follow.spansByName();
    expect(opened?.attributes).toMatchObject({
      "stackyard.stack.id": "pr-1",
      "stackyard.event.id": "pr-1/OPENED",
      "stackyard.outcome": "applied",
      "stackyard.state.to": "BUILD",
      "stackyard.tasks": ["net", "db"],
    });
    expect(merged?.attributes).toMatchObject({ "stackyard.outcome": "parked", "stackyard.code": "EVENT_NOT_HANDLED" });
  });

  it("keeps the trace of a parked event until it applies, whatever makes it apply", async () => {
    const yard = aYard();
    await yard.decide([yard.toEvent("OPENED", "pr-1", {}), one]);
    await yard.decide([yard.toEvent("MERGED", "pr-1", {}), two]);
    const tasks = await takeTasks(yard);

    for (const { attemptId, message } of tasks) await yard.worker.handle({ attemptId, message, deliveries: 1 });
    const results = (await yard.take("event")).flatMap((item) => (item.kind === "event" ? [item.event] : []));
    await yard.engine.handle(results.map((event) => ({ event, deliveries: 1 })));

    const [last] = await takeTasks(yard);
    expect(last?.message.stack._state).toBe("GONE");
    expect(traceOf(findCarrier(last?.message.dispatch ?? {}))).toBe(traceOf(two));
  });

  it("begins a trace with what time makes due", async () => {
    const yard = aYard();
    await yard.decide([yard.toEvent("OPENED", "pr-1", {}), one]);
    await takeTasks(yard);

    await yard.follow.clock.advance(1_800_000);
    await yard.engine.sweep();

    const [span] = yard.follow.spansByName()["decide PUSHED"] ?? [];
    // Unacknowledged items are received again, before new ones.
    const task = (await takeTasks(yard)).at(-1);
    expect(span?.parentSpanContext).toBeUndefined();
    expect(traceOf(findCarrier(task?.message.dispatch ?? {}))).toBe(span?.spanContext().traceId);
  });

  it("carries on what came along where nothing is exported, and puts nothing where nothing came", async () => {
    const yard = aYard({ isTraced: false });

    await yard.decide([yard.toEvent("OPENED", "pr-1", {}), one], [yard.toEvent("OPENED", "pr-2", {}), {}]);

    const carriers = (await takeTasks(yard)).map(({ message }) => [message.stack.id, findCarrier(message.dispatch)]);
    expect(carriers.filter(([id]) => id === "pr-1")).toEqual([1, 2].map(() => ["pr-1", one]));
    expect(carriers.filter(([id]) => id === "pr-2")).toEqual([1, 2].map(() => ["pr-2", {}]));
  });

  it("reads a body's trace context only when the message has none of its own, and only if it is valid", async () => {
    const yard = aYard({ isTraced: false });
    const events = [
      yard.toEvent("OPENED", "pr-1", two),
      yard.toEvent("OPENED", "pr-2", { traceparent: "x".repeat(1_000) }),
      yard.toEvent("OPENED", "pr-3", two),
    ] as const;

    await yard.decide([events[0], one], [events[1], {}], [events[2], {}]);

    const carriers = (await takeTasks(yard)).map(
      ({ message }) => `${message.stack.id} ${traceOf(findCarrier(message.dispatch))}`,
    );
    expect(new Set(carriers)).toEqual(new Set([`pr-1 ${traceOf(one)}`, "pr-2 undefined", `pr-3 ${traceOf(two)}`]));
  });

  it("measures ages, outcomes, refusals, sent tasks and time in states", async () => {
    const yard = aYard();
    const opened = yard.toEvent("OPENED", "pr-1", {});
    await yard.follow.clock.advance(1_500);

    await yard.decide([opened, one]);
    await yard.follow.clock.advance(60_000);
    await yard.decide([yard.toEvent("PUSHED", "pr-1", {}), two]);
    await yard.decide([yard.toEvent("MERGED", "pr-1", {}), two]);

    expect(yard.follow.measured).toEqual([
      ...["event_age_seconds 1.5", "events 1 outcome=applied", "sent_tasks 1 machine=app", "sent_tasks 1 machine=app"],
      ...["event_age_seconds 0", "events 1 outcome=applied", "sent_tasks 1 machine=app", "sent_tasks 1 machine=app"],
      "state_duration_seconds 60 machine=app state=BUILD",
      ...["event_age_seconds 0", "events 1 outcome=parked", "refused_events 1 machine=app code=EVENT_NOT_HANDLED"],
    ]);
  });

  it("measures no commit that did not happen", async () => {
    const yard = aYard({
      wrap: (store) => ({ ...store, commit: async (changes) => changes.map(() => ({ kind: "conflict" as const })) }),
    });
    const opened = yard.toEvent("OPENED", "pr-1", {});

    await yard.decide([opened, one]);

    expect(yard.follow.measured).toEqual(["event_age_seconds 0"]);
  });

  it("ends its span where the engine throws", async () => {
    const yard = aYard({ wrap: (store) => ({ ...store, load: () => Promise.reject(new TypeError("gone")) }) });

    await yard.decide([yard.toEvent("OPENED", "pr-1", {}), one]).catch(() => undefined);

    expect(yard.follow.spansByName()["decide OPENED"]).toHaveLength(1);
  });
});
