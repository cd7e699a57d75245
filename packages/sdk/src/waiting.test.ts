import { describe, expect, it } from "vitest";
import { createHttpClient } from "./http-client.ts";
import { type WaitOptions, waitForOutcome, waitForRemoval, waitForState } from "./waiting.ts";

/** A server whose stream is open and that answers nothing else, as one that has stopped half-way. */
function createSilentServer() {
  const asked = Promise.withResolvers<void>();
  const answer: typeof fetch = async (input, init) => {
    const signal = init?.signal ?? undefined;
    if (String(input).includes("/watch")) {
      const ready = new TextEncoder().encode('event: ready\ndata: {"position":0}\n\n');
      return new Response(new ReadableStream({ start: (controller) => controller.enqueue(ready) }));
    }
    asked.resolve();
    return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  };
  return { asked: asked.promise, http: createHttpClient({ url: "http://127.0.0.1:1", fetch: answer }) };
}

type Server = ReturnType<typeof createSilentServer>;
type Wait = (http: Server["http"], options: WaitOptions) => Promise<unknown>;

const waits: readonly (readonly [string, Wait])[] = [
  ["a state", (http, options) => waitForState(http, { stackId: "pr-1", states: ["LIVE"] }, options)],
  ["a removal", (http, options) => waitForRemoval(http, "pr-1", options)],
  ["an outcome", (http, options) => waitForOutcome(http, { eventId: "e-1", stackId: "pr-1" }, options)],
];

describe("a wait while the server does not answer", () => {
  it.each(waits)("for %s ends when its time is over", async (_, wait) => {
    const { http } = createSilentServer();

    await expect(wait(http, { timeoutMs: 20 })).rejects.toMatchObject({ code: "TIMED_OUT" });
  });

  it.each(waits)("for %s ends when it is stopped", async (_, wait) => {
    const { http, asked } = createSilentServer();
    const stop = new AbortController();

    const waiting = wait(http, { signal: stop.signal });
    void asked.then(() => stop.abort());

    await expect(waiting).rejects.toMatchObject({ code: "INTERRUPTED" });
  });
});
