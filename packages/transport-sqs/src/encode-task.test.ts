import { describe, expect, it } from "vitest";
import { encodeTask, type TaskMessage } from "./encode-task.ts";

const message: TaskMessage = {
  task: { executor: "lambda", config: { name: "make-db" }, name: "db" },
  stack: {
    id: "pr-12",
    previousState: "INIT",
    machine: "review-app",
    _state: "BUILD",
    tasks: [{ name: "db", status: "PENDING" }],
    metadata: { sha: "9f1c" },
  },
  dispatch: { id: "pr-12/e1/1/db/1", attempt: 1, deadline: "2026-01-01T00:00:00.000Z" },
};

describe("encodeTask", () => {
  it("writes the predecessor's body, field by field, with the dispatch behind it", () => {
    expect(encodeTask(message).body).toBe(
      '{"task":{"executor":"lambda","config":{"name":"make-db"},"name":"db"},' +
        '"stack":{"id":"pr-12","previousState":"INIT","machine":"review-app","_state":"BUILD",' +
        '"tasks":[{"name":"db","status":"PENDING"}],"metadata":{"sha":"9f1c"}},' +
        '"dispatch":{"id":"pr-12/e1/1/db/1","attempt":1,"deadline":"2026-01-01T00:00:00.000Z"}}',
    );
  });

  it("makes a new message each time, in the group of its attempt", () => {
    const other = { ...message, dispatch: { ...message.dispatch, id: "pr-12/e1/1/db/2" } };
    const [first, again, second] = [message, message, other].map(encodeTask);

    expect(again?.groupId).toBe(first?.groupId);
    expect(again?.deduplicationId).not.toBe(first?.deduplicationId);
    expect(second?.groupId).not.toBe(first?.groupId);
  });

  it("sends trace context that was kept with the task in attributes, and none that is none", () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const toTraced = (trace: { traceparent: string; tracestate?: string }) =>
      encodeTask({ ...message, dispatch: { ...message.dispatch, ...trace } });

    const traced = toTraced({ traceparent, tracestate: "a=1" });

    expect(traced.attributes).toEqual({ traceparent, tracestate: "a=1" });
    expect(traced.body).toBe(encodeTask(message).body);
    expect(toTraced({ traceparent: "yes" })).toMatchObject({ attributes: {}, body: encodeTask(message).body });
  });
});
