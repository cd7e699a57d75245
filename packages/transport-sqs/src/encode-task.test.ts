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
});
