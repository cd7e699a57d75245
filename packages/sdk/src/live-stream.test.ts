import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openStream, type StreamMessage, type StreamOptions } from "./live-stream.ts";

/** What the server does with one connection: a text that ends, one that stays open or breaks off, or a refusal. */
type Answer = { readonly text: string; readonly last?: "end" | "stay" | "break" } | Refusal;

/** `html`: the page of a proxy, instead of the server's problem. */
interface Refusal {
  readonly status: number;
  readonly html?: string;
}

const HTML = { "content-type": "text/html" };

const ready = (position: number, id = String(position)) =>
  `retry: 2000\nid: ${id}\nevent: ready\ndata: {"position":${position}}\n\n`;
const history = (id: string) => `id: ${id}\nevent: history\ndata: {"position":${Number(id)}}\n\n`;

/** A server that answers each connection with the next answer, and the last one again. */
function createServer(answers: readonly Answer[]) {
  const calls: { readonly query: string; readonly lastEventId: string | null }[] = [];
  const send: typeof fetch = async (input, init) => {
    const answer = answers[Math.min(calls.length, answers.length - 1)] ?? { status: 500 };
    const { search } = new URL(String(input));
    calls.push({ query: decodeURIComponent(search), lastEventId: new Headers(init?.headers).get("last-event-id") });
    if (!("status" in answer)) return new Response(toBody(answer, init?.signal ?? undefined));
    if (answer.html !== undefined) return new Response(answer.html, { status: answer.status, headers: HTML });
    const problem = { status: answer.status, code: "NOT_FOUND", detail: "It is not kept.", retryable: false };
    const headers = { "content-type": "application/problem+json" };
    return new Response(JSON.stringify(problem), { status: answer.status, headers });
  };
  const yard = { url: "http://127.0.0.1:1", fetch: send };
  return { calls, follow: (options: StreamOptions = {}) => openStream(yard, options) };
}

function toBody({ text, last = "end" }: Exclude<Answer, Refusal>, signal?: AbortSignal) {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text));
      if (last === "end") controller.close();
      signal?.addEventListener("abort", () => controller.error(signal.reason), { once: true });
    },
    pull(controller) {
      if (last === "break") controller.error(new TypeError("terminated"));
    },
  });
}

/** The next messages, while the time between connections passes at once. */
async function take(stream: AsyncGenerator<StreamMessage, void>, count: number): Promise<readonly StreamMessage[]> {
  const found: StreamMessage[] = [];
  while (found.length < count) {
    const next = stream.next();
    let isThere = false;
    void next.catch(() => undefined).then(() => (isThere = true));
    while (!isThere) await vi.advanceTimersByTimeAsync(1_000);
    const { value, done } = await next;
    if (done) break;
    found.push(value);
  }
  return found;
}

const idsOf = (messages: readonly StreamMessage[]) => messages.map(({ kind, id }) => `${kind} ${id}`);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("openStream", () => {
  it("brings messages of every kind, and skips those that it does not know", async () => {
    const data = { attemptId: "a/1" };
    const kinds = ["progress", "log", "bulk"].map((kind) => `id: 8\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n`);
    const text = [ready(7), `id: 8\nevent: new-kind\ndata: {}\n\n`, ": alive\n\n", history("8"), ...kinds].join("");
    const server = createServer([{ text, last: "stay" }]);

    const messages = await take(server.follow(), 5);

    expect(messages).toEqual([
      { kind: "ready", id: "7", position: 7 },
      { kind: "history", id: "8", entry: { position: 8 } },
      { kind: "progress", id: "8", attempt: data },
      { kind: "log", id: "8", part: data },
      { kind: "bulk", id: "8", bulk: data },
    ]);
  });

  it("names what it wants", async () => {
    const server = createServer([{ text: ready(7), last: "stay" }]);
    const filter = { machine: "web", idPrefix: "pr-", stackId: "pr-1", attemptId: "pr-1/1" };

    await take(server.follow({ kinds: ["history", "log"], ...filter, lastEventId: "5.a~12" }), 1);

    expect(server.calls).toEqual([
      { query: "?kinds=history,log&machine=web&idPrefix=pr-&stackId=pr-1&attemptId=pr-1/1", lastEventId: "5.a~12" },
    ]);
  });

  it.each(["end", "break"] as const)("continues after the last message when a connection %ss", async (last) => {
    const server = createServer([
      { text: ready(7) + history("8") + history("9"), last },
      { text: ready(9) + history("10"), last: "stay" },
    ]);

    const messages = await take(server.follow(), 5);

    expect(idsOf(messages)).toEqual(["ready 7", "history 8", "history 9", "ready 9", "history 10"]);
    expect(server.calls.map(({ lastEventId }) => lastEventId)).toEqual([null, "9"]);
  });

  it("tries again while the server fails", async () => {
    const server = createServer([
      { text: ready(7) },
      { status: 503 },
      { status: 429 },
      { text: ready(7) + history("8"), last: "stay" },
    ]);

    expect(idsOf(await take(server.follow(), 3))).toEqual(["ready 7", "ready 7", "history 8"]);
    expect(server.calls.map(({ lastEventId }) => lastEventId)).toEqual([null, "7", "7", "7"]);
  });

  it.each([502, 503, 504, 520, 524])(
    "tries again while a proxy answers %i for a server that restarts (datastar#919, htmx#2225, EventSource#88, tock-react-kit#178)",
    async (status) => {
      const page = { status, html: `<html><title>${status}</title></html>\n\n` };
      const server = createServer([{ text: ready(7) }, page, page, { text: ready(7) + history("8"), last: "stay" }]);

      expect(idsOf(await take(server.follow(), 3))).toEqual(["ready 7", "ready 7", "history 8"]);
      expect(server.calls.map(({ lastEventId }) => lastEventId)).toEqual([null, "7", "7", "7"]);
    },
  );

  it("tries again after a page of a proxy that says 200 (galaxy#22629)", async () => {
    const page = { status: 200, html: "<html>\n\n<p>data: soon back</p>\n\n</html>" };
    const server = createServer([{ text: ready(7) }, page, { text: ready(7) + history("8"), last: "stay" }]);

    expect(idsOf(await take(server.follow(), 3))).toEqual(["ready 7", "ready 7", "history 8"]);
  });

  it("connects again when the server has said nothing for a time", async () => {
    const server = createServer([
      { text: ready(7), last: "stay" },
      { text: ready(7) + history("8"), last: "stay" },
    ]);

    expect(idsOf(await take(server.follow(), 3))).toEqual(["ready 7", "ready 7", "history 8"]);
  });

  it.each([401, 403, 404])("throws what no further try would change: %i", async (status) => {
    const server = createServer([{ text: ready(7) }, { status }]);

    await expect(take(server.follow(), 2)).rejects.toMatchObject({ code: "NOT_FOUND", problem: { status } });
    expect(server.calls).toHaveLength(2);
  });

  it("ends with the connection where the caller reconnects", async () => {
    const server = createServer([{ text: ready(7) + history("8") }]);

    expect(idsOf(await take(server.follow({ reconnect: false }), 9))).toEqual(["ready 7", "history 8"]);
    expect(server.calls).toHaveLength(1);
  });

  it("throws why the connection was lost where the caller reconnects", async () => {
    const server = createServer([{ text: ready(7), last: "break" }]);

    await expect(take(server.follow({ reconnect: false }), 9)).rejects.toThrow("terminated");
  });

  it("ends when it is aborted, while it reads and while it waits", async () => {
    for (const answers of [[{ text: ready(7), last: "stay" }], [{ text: ready(7) }, { status: 503 }]] as const) {
      const stop = new AbortController();
      const server = createServer(answers);
      const stream = server.follow({ signal: stop.signal });
      await take(stream, 1);
      const next = stream.next();
      await vi.advanceTimersByTimeAsync(1);

      stop.abort();

      expect(await next).toEqual({ value: undefined, done: true });
      const count = server.calls.length;
      await vi.advanceTimersByTimeAsync(60_000);
      expect(server.calls).toHaveLength(count);
    }
  });

  it("leaves no connection open when its reader stops", async () => {
    const server = createServer([{ text: ready(7) + history("8"), last: "stay" }]);
    for await (const { kind } of server.follow()) if (kind === "ready") break;

    await vi.advanceTimersByTimeAsync(60_000);

    expect(server.calls).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
