import { describe, expect, it } from "vitest";
import { continueLater } from "./continue-later.ts";
import { StackyardError } from "./errors/stackyard-error.ts";
import { type Step, silentLogger, succeeded } from "./ports/executor.ts";

const OUTAGE = new StackyardError("STORE_UNAVAILABLE", "The store does not respond.");
const progress = { commandId: "c-1" };

function callWith(work: () => Promise<Step<typeof progress>>, signal = new AbortController().signal) {
  const isPassing = (error: unknown) => error === OUTAGE;
  return continueLater({ ctx: { signal, logger: silentLogger }, progress, isPassing, everyMs: 30_000 }, work);
}

describe("continueLater", () => {
  it("returns the step of the work", async () => {
    expect(await callWith(async () => succeeded({}))).toEqual(succeeded({}));
  });

  it("polls the same progress again after an outage", async () => {
    expect(await callWith(() => Promise.reject(OUTAGE))).toEqual({
      kind: "running",
      progress,
      pollAfterMs: 30_000,
      message: "Retries: The store does not respond.",
    });
  });

  it("polls the same progress at once after an interruption, whatever the error", async () => {
    const step = await callWith(() => Promise.reject(new TypeError("aborted")), AbortSignal.abort());

    expect(step).toEqual({
      kind: "running",
      progress,
      pollAfterMs: 0,
      message: "Interrupted. Continues at the next poll.",
    });
  });

  it("throws every other error", async () => {
    const error = new TypeError("a bug");

    await expect(callWith(() => Promise.reject(error))).rejects.toBe(error);
  });
});
