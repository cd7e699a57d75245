import { once } from "node:events";
import { createServer, request as httpRequest, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createTestYard, TOKEN } from "./testing/test-yard.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const BUFFER = 4_096;

/** A proxy that hands on an answer, with its head, only by whole buffers, as nginx does by default. */
async function startHoldingProxy(upstream: string): Promise<string> {
  return listen(
    createServer((request, response) => {
      const call = httpRequest(`${upstream}${request.url}`, { headers: request.headers }, (answer) => {
        const { "x-accel-buffering": _, ...headers } = answer.headers;
        let held = Buffer.alloc(0);
        answer.on("data", (part: Buffer) => {
          held = Buffer.concat([held, part]);
          const whole = held.length - (held.length % BUFFER);
          if (whole === 0) return;
          if (!response.headersSent) response.writeHead(answer.statusCode ?? 502, headers);
          response.write(held.subarray(0, whole));
          held = held.subarray(whole);
        });
        answer.on("end", () => response.end(held));
      });
      response.on("close", () => call.destroy());
      call.end();
    }),
  );
}

async function openStream(url: string, query: string) {
  const response = await fetch(`${url}${query}`, {
    headers: { authorization: `Bearer ${TOKEN}` },
    signal: AbortSignal.timeout(60_000),
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  return async (wanted: string) => {
    while (!text.includes(wanted)) text += (await reader?.read())?.value ?? "";
    return text;
  };
}

describe("a stream behind a proxy that holds back answers", () => {
  it.each(["/v1/stream?kinds=history,progress,bulk", "/v1/watch"])(
    "comes through two of them, %s [sourcelens#4, argo-cd#9247, kestra#2076]",
    async (path) => {
      const yard = createTestYard();
      yard.run();
      closers.push(() => yard.stop());
      const { url } = await yard.server.start();
      const read = await openStream(await startHoldingProxy(await startHoldingProxy(url)), path);
      await read("event: ready");

      for (const stackId of ["a", "b", "c"]) {
        await yard.call("/v1/events", {
          body: { event: "LAUNCH", stackId, machine: "review-app", id: `launch-${stackId}` },
        });
        expect(await read(`"stackId":"${stackId}"`)).toContain("event: history");
      }
    },
  );

  it("says something through it while nothing happens", async () => {
    const yard = createTestYard({ limits: { heartbeatMs: 30 } });
    closers.push(() => yard.stop());
    const { url } = await yard.server.start();
    const read = await openStream(await startHoldingProxy(url), "/v1/stream");

    expect(await read(": alive")).toContain("event: ready");
  });
});
