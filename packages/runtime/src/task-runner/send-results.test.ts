import { StackyardError, silentLogger } from "@stackyard/core";
import type { DrainOptions } from "@stackyard/transport-sqs";
import { describe, expect, it } from "vitest";
import { sendResults } from "./send-results.ts";

function createBench(drain: () => Promise<number>) {
  const drained: (DrainOptions | undefined)[] = [];
  const errors: unknown[] = [];
  const outbox = {
    drain(options?: DrainOptions) {
      drained.push(options);
      return drain();
    },
  };
  const logger = { ...silentLogger, error: (_message: string, fields: unknown) => void errors.push(fields) };
  return { drained, errors, send: () => sendResults("a1", { outbox, kinds: ["event", "task"], logger }) };
}

describe("a settled task's result", () => {
  it("is sent, and what waited for the task", async () => {
    const { drained, errors, send } = createBench(async () => 2);

    await send();

    expect([drained, errors]).toEqual([[{ kinds: ["event", "task"] }], []]);
  });

  it("stays in the store when it cannot be sent, and the log says so", async () => {
    const { errors, send } = createBench(() => Promise.reject(new StackyardError("UNREACHABLE", "No answer.")));

    await send();

    expect(errors).toMatchObject([{ code: "UNREACHABLE", attemptId: "a1" }]);
  });
});
