import { describe, expect, it } from "vitest";
import { toWireTasks } from "./start-tasks.ts";

describe("toWireTasks", () => {
  it("leaves out the codes of failures, and nothing else", () => {
    const done = { name: "db", status: "SATISFIED" } as const;
    const failed = { name: "app", status: "ERROR", detail: "CANCELLED", errorMessage: "no" } as const;

    expect(toWireTasks([done, { ...failed, errorCode: "QUOTA" }])).toEqual([done, failed]);
  });
});
