import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { runServerProcess, type ServerProcess } from "./testing/run-server-process.ts";

const TOKEN = "a-token-of-the-tests";
const MB = 1_000_000;
/** Together 30 MB, which the server's process itself keeps in memory. */
const ENTRIES = 500;
const ENTRY_BYTES = 60_000;
const STREAMS = process.env["LONG_TESTS"] ? 200 : 50;
/** Garbage of the heap takes more than half of it; a copy for each of 50 streams would take 1,500. */
const STREAMS_MB = 200;
/** The kernel takes some megabytes for each receiver before the server has to wait. */
const SLOW = { timeout: 180_000 };

let server: ServerProcess;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.stop();
});

function start(heapMb: number): Promise<ServerProcess> {
  return runServerProcess({ token: TOKEN, heapMb, entries: ENTRIES, entryBytes: ENTRY_BYTES });
}

/** Sends a request and reads nothing of its answer. */
async function askAndStaySilent(path: string): Promise<void> {
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  sockets.push(socket.pause().on("error", () => {}));
  const head = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`;
  await new Promise((resolve) => socket.write(head, resolve));
}

function get(path: string): Promise<Response> {
  return fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });
}

/** A chunk may end in the middle of a line. */
async function countStreamed(): Promise<number> {
  const stream = await get("/v1/watch?since=0");
  const decoder = new TextDecoder();
  let count = 0;
  let rest = "";
  for await (const chunk of stream.body ?? []) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    count += lines.filter((line) => line === "event: history").length;
    if (count >= ENTRIES) break;
  }
  return count;
}

describe("receivers that do not read", () => {
  it(
    `hold little of the server: ${STREAMS} streams over 30 MB of history stay under ${STREAMS_MB} MB`,
    SLOW,
    async () => {
      server = await start(112);
      const before = (await server.measure()).rss;
      for (let n = 0; n < STREAMS; n += 1) await askAndStaySilent("/v1/watch?since=0");
      // The server fills the kernel meanwhile: each answer waits for a turn, and asking often would take turns itself.
      const count = async () => (await get("/metrics")).text();
      const patient = { timeout: 120_000, interval: 1_000 };
      await expect.poll(count, patient).toContain(`stackyard_http_streams ${STREAMS}`);
      // In which they would continue to grow.
      await sleep(2_000);

      const grown = (await server.measure()).rss - before;

      expect(grown).toBeLessThan(STREAMS_MB * MB);
      expect(await countStreamed()).toBe(ENTRIES);
    },
  );

  it("get lists in pages of a mebibyte: 60 requests for 30 MB each hold 60 pages", SLOW, async () => {
    server = await start(256);
    const before = (await server.measure()).rss;
    for (let n = 0; n < 60; n += 1) await askAndStaySilent("/v1/history?limit=1000");
    await sleep(1_000);

    const text = await (await get("/v1/history?limit=1000")).text();
    const grown = (await server.measure()).rss - before;

    expect(text.length).toBeLessThan(1_048_576 + 2 * ENTRY_BYTES);
    expect(JSON.parse(text)).toMatchObject({ cursor: expect.any(String) });

    expect(grown).toBeLessThan(400 * MB);
  });
});
