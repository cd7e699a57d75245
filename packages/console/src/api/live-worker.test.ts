import { afterEach, expect, it, vi } from "vitest";
import type { LiveEvent } from "./live-messages.ts";

let end = (): void => undefined;
afterEach(() => {
  // The worker outlives its test, and would send to a port that is no longer there.
  end();
  vi.unstubAllGlobals();
  vi.resetModules();
});

/** Starts the worker as that of one page, over this `fetch`. */
async function startWorker(fetch: () => Promise<Response>) {
  const events: LiveEvent[] = [];
  vi.stubGlobal("location", { origin: "https://yard.example" });
  vi.stubGlobal("postMessage", (event: LiveEvent) => events.push(event));
  vi.stubGlobal("fetch", vi.fn(fetch));
  await import("./live-worker.ts");
  const port = globalThis as unknown as { onmessage: (event: MessageEvent) => void };
  const send = (data: unknown) => port.onmessage(new MessageEvent("message", { data }));
  end = () => {
    send({ kind: "visible", visible: false });
    // Ends its stream.
    send({ kind: "another-person" });
    send({ kind: "close" });
  };
  send({ kind: "visible", visible: true });
  return { events, send };
}

function aStream(position: number): Response {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(`id: ${position}\nevent: ready\ndata: {"position":${position}}\n\n`));
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

it("tells its pages that a proxy answers the stream with a web page", async () => {
  const page = () => new Response("<!doctype html>", { headers: { "content-type": "text/html" } });
  const { events } = await startWorker(async () => page());

  await expect
    .poll(() => events.at(-1))
    .toMatchObject({ kind: "state", state: { kind: "reconnecting", meetsWebPage: true } });
});

it("opens another stream for another person, from the present on", async () => {
  let streams = 0;
  const { events, send } = await startWorker(async () => {
    streams += 1;
    return aStream(streams);
  });
  const isLive = () => events.some((event) => event.kind === "state" && event.state.kind === "live");
  await expect.poll(isLive).toBe(true);
  events.length = 0;

  send({ kind: "another-person" });

  await expect.poll(isLive).toBe(true);
  const [, second] = vi.mocked(globalThis.fetch).mock.calls;
  expect(new Headers(second?.[1]?.headers).has("last-event-id")).toBe(false);
  expect(vi.mocked(globalThis.fetch).mock.calls[0]?.[1]?.signal?.aborted).toBe(true);
});
