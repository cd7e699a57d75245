import { describe, expect, it } from "vitest";
import { toStatesText } from "./task-order.ts";

describe("toStatesText", () => {
  it("counts states in the order of a task's life", () => {
    const tasks = [{ lastStatus: "STOPPED" }, { lastStatus: "PENDING" }, { lastStatus: "STOPPED" }, {}];

    expect(toStatesText(tasks, 1)).toBe("1 MISSING, 1 UNKNOWN, 1 PENDING, 2 STOPPED");
    expect(toStatesText([])).toBe("gone");
  });
});
