import { parseEventMessage } from "@stackyard/core/machine";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NewEvent } from "../publisher.ts";
import { findEventFault } from "./find-event-fault.ts";

const GO: NewEvent = { stackId: "s1", event: "GO" };

describe("findEventFault", () => {
  it("finds none in events that are named well", () => {
    expect(findEventFault(GO)).toBeUndefined();
    expect(findEventFault({ ...GO, id: "e1", machine: "größe 🚀", event: "RETRY_FAILED_TASKS" })).toBeUndefined();
  });

  it.each([
    [{ ...GO, stackId: "" }, "stackId"],
    [{ ...GO, stackId: "x".repeat(256) }, "stackId"],
    [{ ...GO, stackId: "a\u0000" }, "stackId"],
    [{ ...GO, stackId: "\ud800" }, "stackId"],
    [{ ...GO, event: "" }, "event"],
    [{ ...GO, id: "" }, "id"],
    [{ ...GO, machine: "a\nb" }, "machine"],
  ])("names the part of %j that is at fault", (event, part) => {
    expect(findEventFault(event)).toMatchObject({
      code: "EVENT_INVALID",
      reason: expect.stringContaining(`"${part}"`),
    });
  });

  it("agrees with the yard's door on whatever a program may pass", () => {
    const name = fc.oneof(
      fc.string({ unit: "binary", maxLength: 8 }),
      fc.constantFrom("GO", "NEXT", "TASK_TIMED_OUT", "RETRY_FAILED_TASKS", "x".repeat(255), "x".repeat(256)),
    );
    fc.assert(
      // The door passes over an id and a machine that are empty; here they are most likely a mistake.
      fc.property(
        name,
        name,
        name.filter((id) => id !== ""),
        (stackId, event, id) => {
          fc.pre(!/\p{Cc}/u.test(event) && event.isWellFormed());
          const door = parseEventMessage({ stackId, event, id }, { at: 0 });
          const fault = findEventFault({ stackId, event, id });
          return door.kind === "invalid" ? fault?.code !== undefined : fault === undefined;
        },
      ),
    );
  });
});
