import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createTestYard, type TestYard, TOKEN } from "./testing/test-yard.ts";

let yard: TestYard;
afterEach(() => yard.stop());

const authorization = `Bearer ${TOKEN}`;
const launch = (stackId: string) => ({ event: "LAUNCH", stackId, machine: "review-app", id: `launch-${stackId}` });

/** Reads a stream until its text holds what is waited for. */
async function readUntil(body: ReadableStream<Uint8Array> | null, wanted: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  const reader = body?.getReader();
  while (reader !== undefined && !text.includes(wanted)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`The stream ended before ${wanted}: ${text}`);
    text += decoder.decode(value, { stream: true });
  }
  reader?.releaseLock();
  return text;
}

describe("watching over a socket", () => {
  it("streams what comes from now on, of one stack when asked", async () => {
    yard = createTestYard();
    yard.run();
    const { url } = await yard.server.start();
    const stream = await fetch(`${url}/v1/watch?stackId=b`, { headers: { authorization } });
    const ready = await readUntil(stream.body, "\n\n");

    await yard.call("/v1/events", { body: [launch("a"), launch("b")] });
    const text = await readUntil(stream.body, '"to":"IDLE"');
    await stream.body?.cancel();

    expect(stream.headers.get("content-type")).toBe("text/event-stream");
    expect(ready).toMatch('retry: 2000\nid: 0\nevent: ready\ndata: {"position":0}\n\n');
    expect(text).toMatch(/^id: \d+\nevent: history\ndata: \{.*"stackId":"b".*\}\n\n/m);
    expect(text).not.toContain('"stackId":"a"');
  });

  it("continues after the last event that its receiver saw", async () => {
    yard = createTestYard();
    yard.run();
    const { url } = await yard.server.start();
    await yard.call("/v1/events", { body: launch("a") });
    const first = await fetch(`${url}/v1/watch?since=0`, { headers: { authorization } });
    const seen = await readUntil(first.body, '"event":"LAUNCH"');
    await first.body?.cancel();
    const lastId = /id: (\d+)\nevent: history/.exec(seen)?.[1] ?? "";

    const second = await fetch(`${url}/v1/watch?since=0`, { headers: { authorization, "last-event-id": lastId } });
    const text = await readUntil(second.body, '"to":"IDLE"');
    await second.body?.cancel();

    expect(text).not.toContain('"event":"LAUNCH"');
  });

  it("says something while nothing happens", async () => {
    yard = createTestYard({ limits: { heartbeatMs: 30 } });
    const { url } = await yard.server.start();

    const stream = await fetch(`${url}/v1/watch`, { headers: { authorization } });

    expect(await readUntil(stream.body, ": alive")).toContain("event: ready");
    await stream.body?.cancel();
  });

  it("opens no more streams than it may, and forgets those that were left", async () => {
    yard = createTestYard({ limits: { streams: 1 } });
    const { url } = await yard.server.start();
    const open = () => fetch(`${url}/v1/watch`, { headers: { authorization } });
    const first = await open();

    const second = await open();
    await first.body?.cancel();

    expect(second.status).toBe(429);
    await expect.poll(async () => (await open()).status).toBe(200);
  });

  it("opens no stream for a HEAD request", async () => {
    yard = createTestYard({ limits: { streams: 1 } });
    const { url } = await yard.server.start();

    const head = await fetch(`${url}/v1/watch`, { method: "HEAD", headers: { authorization } });
    const stream = await fetch(`${url}/v1/watch`, { headers: { authorization } });
    await stream.body?.cancel();

    expect([head.status, stream.status]).toEqual([200, 200]);
    expect(head.headers.get("content-type")).toBe("text/event-stream");
  });

  it("forgets a stream that fails", async () => {
    yard = createTestYard({ limits: { streams: 1 } });
    const first = await yard.call("/v1/watch?since=0");
    Object.assign(yard.store.queries, { listHistory: () => Promise.reject(new Error("The disk is gone.")) });

    await expect(first.text()).rejects.toThrow("The disk is gone.");

    expect((await yard.call("/v1/watch")).status).toBe(500);
  });

  it("continues at the end for a position beyond it, as after a restore", async () => {
    yard = createTestYard();
    yard.run();
    const { url } = await yard.server.start();
    const stream = await fetch(`${url}/v1/watch`, { headers: { authorization, "last-event-id": "9007199254740991" } });
    const ready = await readUntil(stream.body, "\n\n");

    await yard.call("/v1/events", { body: launch("a") });
    const text = await readUntil(stream.body, '"event":"LAUNCH"');
    await stream.body?.cancel();

    expect(ready).toContain('data: {"position":0}');
    expect(text).toContain("id: 1\n");
  });

  it("rejects a position that is not a number", async () => {
    yard = createTestYard();

    const answer = await yard.call("/v1/watch", { headers: { "last-event-id": "1; drop" } });

    expect(answer.status).toBe(400);
  });
});

/** The server says when it has the head of the request (RFC 9110, section 10.1.1). */
const ANNOUNCED = { expect: "100-continue" };

describe("stopping", () => {
  it("ends streams, finishes requests under way and accepts no new ones", async () => {
    yard = createTestYard();
    const { url } = await yard.server.start();
    const stream = await fetch(`${url}/v1/watch`, { headers: { authorization } });
    const headers = { ...ANNOUNCED, authorization, "content-type": "application/json", "content-length": 2 };
    const slow = httpRequest(`${url}/v1/events`, { method: "POST", headers });
    const answered = new Promise<number | undefined>((resolve) =>
      slow.on("response", (r) => resolve(r.resume().statusCode)),
    );
    await once(slow, "continue");
    slow.write("[");

    const stopped = yard.server.stop();
    slow.end("]");

    await stream.text();
    expect(await answered).toBe(400);
    await stopped;
    await expect(fetch(`${url}/health/live`)).rejects.toThrow();
  });

  it("closes what does not end within the limit", async () => {
    yard = createTestYard({ limits: { stopMs: 50 } });
    const { url } = await yard.server.start();
    const headers = { ...ANNOUNCED, authorization, "content-length": 9 };
    const idle = httpRequest(`${url}/v1/events`, { method: "POST", headers });
    const broken = new Promise((resolve) => idle.on("error", resolve));
    await once(idle, "continue");
    idle.write("[");

    await yard.server.stop();

    expect(await broken).toBeInstanceOf(Error);
  });

  it("is announced to those who send requests, while it still answers", async () => {
    yard = createTestYard();

    yard.server.drain();

    expect((await yard.call("/health/ready")).status).toBe(503);
    expect((await yard.call("/health/live")).status).toBe(200);
    expect((await yard.call("/v1/stacks")).status).toBe(200);
  });

  it("says that it is not ready any more", async () => {
    yard = createTestYard();

    await yard.server.stop();

    expect((await yard.call("/health/ready")).status).toBe(503);
  });
});

describe("sockets", () => {
  it("ends a request whose head or body does not come", async () => {
    yard = createTestYard({ limits: { requestMs: 200 } });
    const { url } = await yard.server.start();
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });

    socket.write("POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n");
    await new Promise((resolve) => socket.on("close", resolve));

    expect(text).toContain("408");
  });

  it("answers a wrong Host header and an absolute target without serving them", async () => {
    yard = createTestYard();
    const { url } = await yard.server.start();
    const ask = (head: string) =>
      new Promise<string>((resolve) => {
        const socket = connect(Number(new URL(url).port), "127.0.0.1");
        let text = "";
        socket.on("data", (chunk) => {
          text += chunk;
        });
        socket.on("close", () => resolve(text));
        socket.write(`${head}\r\nAuthorization: ${authorization}\r\nConnection: close\r\n\r\n`);
      });

    expect(await ask("GET /v1/yard HTTP/1.1\r\nHost: evil.test")).toContain("HTTP/1.1 421");
    expect(await ask("GET http://evil.test/v1/yard HTTP/1.1\r\nHost: 127.0.0.1")).toContain("HTTP/1.1 421");
    expect(await ask("GET /v1/yard HTTP/1.1\r\nHost: a b")).toMatch(/HTTP\/1.1 4\d\d/);
    expect(await ask("GET /v1/yard HTTP/1.1\r\nHost: localhost")).toContain("HTTP/1.1 200");
  });

  it("says which address is taken", async () => {
    yard = createTestYard();
    const { url } = await yard.server.start();
    const other = createTestYard({ port: Number(new URL(url).port) });

    await expect(other.server.start()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await other.stop();
  });
});
