import { describe, expect, it } from "vitest";
import { aStack } from "../testing/builders.ts";
import { aHistoryEntry, aQueuedEvent } from "../testing/store-conformance/store-builders.ts";
import { toPrinted } from "./shown-stack.ts";

describe("what people are shown", () => {
  it("of a stack: all but its secrets, wherever they stand", () => {
    const stack = aStack({
      metadata: { password: "hunter22", token: null, url: "x" },
      secretVersions: { password: 3, token: 1 },
      keptSecrets: { "password#2": "hunter21" },
      outputs: { db: { key: { $secret: "key#1" } } },
      tasks: [
        { name: "db", status: "ERROR", errorCode: "AUTH_hunter22", errorMessage: "not hunter22 nor hunter21" },
        "app",
      ],
      stalled: { code: "X", reason: "hunter22" },
      lastFailure: {
        task: "db",
        state: "IDLE",
        entry: 0,
        attempt: 1,
        at: 1,
        code: "AUTH_hunter22",
        message: "hunter22",
      },
    });

    const printed = toPrinted.stack(stack);

    expect(printed).toEqual({
      ...aStack(),
      metadata: { password: "***", token: null, url: "x" },
      tasks: [
        { name: "db", status: "ERROR", errorCode: "AUTH_***", errorMessage: "not *** nor ***" },
        { name: "app", status: "PENDING" },
      ],
      stalled: { code: "X", reason: "***" },
      lastFailure: { task: "db", state: "IDLE", entry: 0, attempt: 1, at: 1, code: "AUTH_***", message: "***" },
    });
  });

  it("of a stack without secrets: all", () => {
    const stack = aStack({ metadata: { url: "x" }, tasks: ["app"] });

    expect(toPrinted.stack(stack)).toEqual(stack);
  });

  it("of a line of the history: no references", () => {
    const line = aHistoryEntry("e1", {
      metadata: { password: { $secret: "password#3" }, url: "x" },
      outputs: { key: { $secret: "key#1" }, host: "h" },
    });

    expect(toPrinted.entry(line)).toEqual({
      ...line,
      metadata: { password: "***", url: "x" },
      outputs: { key: "***", host: "h" },
    });
    expect(toPrinted.entry(aHistoryEntry("e2"))).toEqual(aHistoryEntry("e2"));
  });

  it("of an event that was given up: its message without what must not be shown", () => {
    const event = aQueuedEvent("e1", { message: { event: "GO", metadata: { password: "hunter22", url: "x" } } });

    expect(toPrinted.message({ event, masked: ["password"] })).toEqual({
      event: "GO",
      metadata: { password: "***", url: "x" },
    });
    expect(toPrinted.message({ event })).toEqual(event.message);
  });
});
