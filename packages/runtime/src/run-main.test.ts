import { StackyardError, silentLogger } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { runMain, untilAborted } from "./run-main.ts";

function createLog() {
  const lines: string[] = [];
  return { lines, logger: { ...silentLogger, error: (line: string) => void lines.push(line) } };
}

describe("runMain", () => {
  it("works until the signal and gives 0", async () => {
    const stopping = new AbortController();
    const { logger } = createLog();
    const seen: string[] = [];

    const running = runMain({
      logger,
      signal: stopping.signal,
      async run(signal) {
        seen.push("works");
        await untilAborted(signal);
        seen.push("drained");
      },
    });
    stopping.abort();

    expect([await running, seen]).toEqual([0, ["works", "drained"]]);
  });

  it.each(["SIGTERM", "SIGINT"] as const)("drains when it gets %s, and listens no more afterwards", async (name) => {
    const before = process.listenerCount(name);

    const running = runMain({ logger: silentLogger, signal: undefined, run: untilAborted });
    process.emit(name);

    expect([await running, process.listenerCount(name)]).toEqual([0, before]);
  });

  // Maintainerr/Maintainerr#2812
  it("continues when the reader of its log has closed the pipe", async () => {
    const { lines, logger } = createLog();
    const before = process.stdout.listenerCount("error");
    const closed = Object.assign(new Error("write EPIPE"), { code: "EPIPE" });

    const code = await runMain({
      logger,
      signal: undefined,
      run: async () => void process.stdout.emit("error", closed),
    });

    expect([code, lines, process.stdout.listenerCount("error")]).toEqual([0, [], before]);
  });

  it("drains at once when it was stopped before", async () => {
    expect(await runMain({ logger: silentLogger, signal: AbortSignal.abort(), run: untilAborted })).toBe(0);
  });

  it.each([
    [new StackyardError("CONFIG_INVALID", "SQS_TASK_QUEUE_URL is not set."), "SQS_TASK_QUEUE_URL is not set."],
    [new TypeError("x is not a function"), "x is not a function"],
  ])("logs what went wrong and gives the error's exit code", async (error, line) => {
    const { lines, logger } = createLog();

    const code = await runMain({ logger, signal: undefined, run: () => Promise.reject(error) });

    expect([code, lines]).toEqual([3, [line]]);
  });
});
