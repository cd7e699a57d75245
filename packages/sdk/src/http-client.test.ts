import { describe, expect, it } from "vitest";
import type { Page } from "./http-client.ts";
import { type HttpClient, loadPage } from "./http-client.ts";
import { isStackyardError, Stackyard, StackyardApiError } from "./index.ts";

interface Sent {
  readonly url: string;
  readonly method: string;
  readonly body: unknown;
  readonly headers: Headers;
}

/** A fetch that returns prepared answers and repeats the last. */
function prepared(...answers: readonly (() => Response | Promise<Response>)[]) {
  const sent: Sent[] = [];
  const fake: typeof fetch = async (input, init) => {
    const text = typeof init?.body === "string" ? init.body : "null";
    sent.push({
      url: String(input),
      method: init?.method ?? "GET",
      body: JSON.parse(text),
      headers: new Headers(init?.headers),
    });
    const answer = answers[Math.min(sent.length, answers.length) - 1];
    init?.signal?.throwIfAborted();
    return answer?.() ?? Response.json({});
  };
  return { sent, fetch: fake };
}

const accepted = () => Response.json({ results: [{ kind: "accepted", eventId: "e", stackId: "s" }] }, { status: 202 });
const problem =
  (status: number, code: string, headers: Record<string, string> = {}) =>
  () =>
    Response.json(
      { type: "about:blank", title: "T", status, detail: "D.", code, retryable: false },
      { status, headers },
    );
const broken = () => Promise.reject(new TypeError("fetch failed"));
const yardWith = (given: typeof fetch, retries = 3) =>
  new Stackyard({ url: "http://127.0.0.1:7070/base/", token: "secret", fetch: given, retries });

describe("Stackyard", () => {
  it("sends the token, and encodes the values in paths and queries", async () => {
    const { sent, fetch } = prepared(() => Response.json({ items: [] }));
    const yard = yardWith(fetch);

    await yard.stacks.history("a/b?c#d %", { order: "oldest", limit: 5 });

    expect(sent[0]?.url).toBe("http://127.0.0.1:7070/base/v1/stacks/a%2Fb%3Fc%23d%20%25/history?order=oldest&limit=5");
    expect(sent[0]?.headers.get("authorization")).toBe("Bearer secret");
  });

  it.each(["", ".", ".."])("rejects the stack id %j, which no path can carry", async (id) => {
    const { sent, fetch } = prepared();

    await expect(yardWith(fetch).stacks.get(id)).rejects.toMatchObject({ code: "USAGE" });
    expect(sent).toEqual([]);
  });

  it("rejects an invalid address", () => {
    expect(() => new Stackyard({ url: "ftp://x" })).toThrow("not an http or https address");
  });

  // A message of fetch contains such a token.
  it.each(["a\nb", "\u201cabc\u201d", "Bearer abc"])(
    "rejects the token %j without a request, and does not name it",
    async (token) => {
      const { sent, fetch: given } = prepared(() => Response.json({ items: [] }));
      const yard = new Stackyard({ url: "http://yard", token, fetch: given });

      const error = await yard.stacks.get("s").catch((reason: unknown) => reason);

      expect(error).toMatchObject({ code: "UNAUTHENTICATED", message: expect.stringContaining("Copy it again") });
      expect([String(error).includes("abc"), sent]).toEqual([false, []]);
    },
  );

  it("takes a token with the line break of its file", async () => {
    const { sent, fetch: given } = prepared(() => Response.json({ items: [] }));
    await new Stackyard({ url: "http://yard", token: "abc\n", fetch: given }).stacks.get("s");

    expect(sent[0]?.headers.get("authorization")).toBe("Bearer abc");
  });

  it("sends the same id again when the network fails, so that the event is applied once", async () => {
    const { sent, fetch } = prepared(broken, broken, accepted);

    const published = await yardWith(fetch).publish({ stackId: "s", event: "GO" });

    expect(published).toEqual({ eventId: "e", stackId: "s" });
    expect(new Set(sent.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(sent[2]?.body).toEqual([{ stackId: "s", event: "GO", id: expect.stringMatching(/^[0-9a-f]{32}$/) }]);
  });

  it.each([429, 500, 502, 503, 504])("tries again after %i", async (status) => {
    const { sent, fetch } = prepared(problem(status, "SERVER_ERROR"), accepted);

    await yardWith(fetch).publish({ stackId: "s", event: "GO" });

    expect(sent).toHaveLength(2);
  });

  it("gives up after its retries", async () => {
    const { sent, fetch } = prepared(broken);

    await expect(yardWith(fetch, 1).stacks.list()).rejects.toMatchObject({ code: "UNREACHABLE" });
    expect(sent).toHaveLength(2);
  });

  it.each([400, 401, 404, 409, 413])("does not try again after %i", async (status) => {
    const { sent, fetch } = prepared(problem(status, "WHATEVER"));

    await expect(yardWith(fetch).stacks.list()).rejects.toBeInstanceOf(StackyardApiError);
    expect(sent).toHaveLength(1);
  });

  it("does not repeat what the server would do twice", async () => {
    const { sent, fetch } = prepared(broken);

    await expect(yardWith(fetch).events.redrive(["x"])).rejects.toMatchObject({ code: "UNREACHABLE" });
    expect(sent).toHaveLength(1);
  });

  it("waits for the time that the server sends", async () => {
    const { fetch } = prepared(problem(429, "RATE_LIMITED", { "retry-after": "1" }), accepted);
    const startedAt = Date.now();

    await yardWith(fetch).publish({ stackId: "s", event: "GO" });

    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(990);
  });

  it("gives a refusal with the server's code and the nearest one of ours", async () => {
    const { fetch } = prepared(problem(409, "TASK_NOT_RUNNING"));

    const error: unknown = await yardWith(fetch)
      .stacks.cancel("s", "t")
      .catch((e: unknown) => e);

    expect(isStackyardError(error, "OUTCOME_NEGATIVE")).toBe(true);
    expect(error).toMatchObject({ message: "D.", problem: { status: 409, code: "TASK_NOT_RUNNING" } });
  });

  it("makes an error of what a proxy says", async () => {
    const { fetch } = prepared(() => new Response("<h1>Bad gateway</h1>", { status: 502 }));

    await expect(yardWith(fetch, 0).stacks.list()).rejects.toMatchObject({
      code: "UNREACHABLE",
      problem: { status: 502 },
    });
  });

  it.each([404, 409])("does not take a %i of a proxy for the server's word on the request", async (status) => {
    const { fetch } = prepared(() => new Response("<h1>No such site</h1>", { status }));

    await expect(yardWith(fetch, 0).stacks.get("s")).rejects.toMatchObject({
      code: "UNREACHABLE",
      problem: { status },
    });
  });

  it.each(["<html>Sign in</html>", "", '{ "items": ['])(
    "tries again after 200 with %j, which is not JSON",
    async (text) => {
      const { sent, fetch } = prepared(() => new Response(text));

      await expect(yardWith(fetch, 1).stacks.list()).rejects.toMatchObject({
        code: "UNREACHABLE",
        message: "The server answered 200 without JSON.",
        problem: { status: 200 },
      });
      expect(sent).toHaveLength(2);
    },
  );

  it("stops when its signal aborts", async () => {
    const { sent, fetch } = prepared(broken);
    const stop = new AbortController();
    stop.abort();

    await expect(yardWith(fetch).stacks.list({}, { signal: stop.signal })).rejects.toMatchObject({
      code: "INTERRUPTED",
    });
    expect(sent).toHaveLength(1);
  });

  it("sends many events in requests of a hundred, in order", async () => {
    const { sent, fetch } = prepared(() => Response.json({ results: [] }));

    await yardWith(fetch).publishMany(
      Array.from({ length: 250 }, (_, n) => ({ stackId: "s", event: "GO", id: String(n) })),
    );

    const batches = sent.map(({ body }) => body as { id: string }[]);
    expect(batches.map(({ length }) => length)).toEqual([100, 100, 50]);
    expect(batches.flat().map(({ id }) => Number(id))).toEqual(Array.from({ length: 250 }, (_, n) => n));
  });

  it("throws for an invalid event", async () => {
    const answer = {
      results: [{ kind: "invalid", code: "EVENT_RESERVED", reason: '"NEXT" is sent by the engine only.' }],
    };
    const { fetch } = prepared(() => Response.json(answer, { status: 202 }));

    await expect(yardWith(fetch).publish({ stackId: "s", event: "NEXT" })).rejects.toMatchObject({
      code: "EVENT_INVALID",
      details: { code: "EVENT_RESERVED" },
    });
  });
});

const path = ["v1", "stacks"];

/** A server with these pages, whose cursors are their numbers, and the queries that it was sent. */
function serve(...pages: readonly Page<string>[]) {
  const queries: unknown[] = [];
  const http: Pick<HttpClient, "requestJson"> = {
    async requestJson<Answer>(request: Parameters<HttpClient["requestJson"]>[0]) {
      queries.push(request.query);
      return pages[Number(request.query?.["cursor"] ?? 0)] as Answer;
    },
  };
  return { http, queries };
}

describe("loadPage", () => {
  it("asks again for what large items have kept off a page", async () => {
    const { http, queries } = serve({ items: ["a", "b"], cursor: "1" }, { items: ["c"], cursor: "2" }, { items: [] });

    const options = { limit: 3, state: "UP" };
    const page = await loadPage(http, path, options);

    expect(page).toEqual({ items: ["a", "b", "c"], cursor: "2" });
    expect(queries).toEqual([
      { limit: 3, state: "UP" },
      { limit: 1, state: "UP", cursor: "1" },
    ]);
  });

  it("ends with the list, and begins at a cursor", async () => {
    const { http } = serve({ items: ["a"], cursor: "1" }, { items: [], cursor: "2" }, { items: ["c"] });

    expect(await loadPage(http, path)).toEqual({ items: ["a", "c"] });
    expect(await loadPage(http, path, { cursor: "2" })).toEqual({ items: ["c"] });
  });

  it("collects the rows that the server cannot read", async () => {
    const row = (id: string) => ({ id, reason: "It is not JSON." });
    const { http } = serve(
      { items: ["a"], cursor: "1", unreadable: [row("b")] },
      { items: [], unreadable: [row("c")] },
    );

    const page = await loadPage(http, path);

    expect(page).toEqual({ items: ["a"], unreadable: [row("b"), row("c")] });
  });
});
