// @module-tag adapter
import { PassThrough } from "node:stream";
import { StackyardError } from "@stackyard/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type OpenYardPlace, serveStdio } from "./serve-stdio.ts";
import { type McpYard, startMcpYard, TOKEN } from "./testing/mcp-yard.ts";
import { TOOLS } from "./tools.ts";

let place: McpYard;
beforeAll(async () => {
  place = await startMcpYard();
  await place.open("pr-1");
});
afterAll(() => place.stop());

const message = (method: string, params: object = {}, id = 1) =>
  `${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`;
const call = (name: string, args: object, id = 1) => message("tools/call", { name, arguments: args }, id);

interface Setup {
  readonly openYard?: () => Promise<OpenYardPlace>;
  readonly signal?: AbortSignal;
}

/** Serves an assistant whose messages are written to `input`. */
function serve({ openYard, signal = new AbortController().signal }: Setup = {}) {
  const input = new PassThrough();
  const output = new PassThrough();
  const lines: string[] = [];
  output.on("data", (chunk: Buffer) => lines.push(...chunk.toString().split("\n").filter(Boolean)));
  const open = openYard ?? (async () => ({ url: place.url, token: TOKEN, close: async () => {} }));
  const ended = serveStdio({ version: "0", allowWrites: false, input, output, openYard: open, signal });
  const next = async (count: number) => {
    while (lines.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
    return lines.map((line) => JSON.parse(line));
  };
  return { input, output, ended, lines, next };
}

describe("standard input and output", () => {
  it("end with the client's end, after all requests are answered (typescript-sdk#2002)", async () => {
    const { input, ended, lines } = serve();

    input.end(call("explain_stack", { stack: "pr-1" }));
    await ended;

    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { id: 1, result: { structuredContent: { untrustedData: { id: "pr-1" } } } },
    ]);
  });

  it("end with a signal, and with a client that no longer reads (typescript-sdk#1568)", async () => {
    const stop = new AbortController();
    const stopped = serve({ signal: stop.signal });
    const unread = serve();

    stop.abort();
    unread.output.destroy();

    await Promise.all([stopped.ended, unread.ended]);
    expect([stopped.lines, unread.lines]).toEqual([[], []]);
  });

  it("have one line for each message, whatever the texts contain", async () => {
    await place.open("lines", "a\nb\r\nc\u2028d");
    const { input, next, ended } = serve();

    input.write(call("explain_stack", { stack: "lines" }));
    const [answer] = await next(1);
    input.end();
    await ended;

    expect(answer.result.structuredContent.untrustedData.metadata.note).toBe("a\nb\\u{d}\nc\\u{2028}d");
  });

  it("continue after a line that is not a message", async () => {
    const { input, next, ended } = serve();

    input.write("hello\n{}\n");
    input.write(message("ping", {}, 7));
    const answers = await next(1);
    input.end();
    await ended;

    expect(answers).toEqual([{ jsonrpc: "2.0", id: 7, result: {} }]);
  });

  it("answer calls that wait for each other in any order", async () => {
    const { input, next, ended } = serve();

    for (let id = 1; id <= 30; id += 1) input.write(call("explain_stack", { stack: "pr-1" }, id));
    const answers = await next(30);
    input.end();
    await ended;

    expect(answers.map(({ id }) => id).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 30 }, (_, index) => index + 1),
    );
  });

  it("list the tools while no server runs, and find a server that was started or has moved", async () => {
    const places: (string | undefined)[] = [undefined, "http://127.0.0.1:1", place.url];
    const closed: string[] = [];
    const openYard = async () => {
      const url = places.shift();
      if (url === undefined) throw new StackyardError("UNREACHABLE", "No server runs for this project.");
      return { url, token: TOKEN, close: async () => void closed.push(url) };
    };
    const { input, next, ended } = serve({ openYard });

    input.write(message("tools/list", {}, 1));
    await next(1);
    for (const id of [2, 3, 4]) {
      input.write(call("explain_stack", { stack: "pr-1" }, id));
      await next(id);
    }
    const answers = await next(4);
    input.end();
    await ended;

    expect(answers.map(({ result }) => result.isError ?? result.tools?.length ?? "done")).toEqual([
      TOOLS.filter(({ permission }) => permission === "read").length,
      true,
      true,
      "done",
    ]);
    expect(closed).toEqual(["http://127.0.0.1:1", place.url]);
  });
});
