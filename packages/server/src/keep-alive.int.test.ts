import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { KEEP_ALIVE_MS } from "@stackyard/core";
import { afterEach, describe, expect, it } from "vitest";
import { createTestYard, type TestYard, TOKEN } from "./testing/test-yard.ts";

let yard: TestYard;
afterEach(() => yard.stop());

const HEAD = "GET /health/live HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";

/** Opens a connection as a load balancer does, which keeps it for its next request. */
async function open(): Promise<Socket> {
  const { port } = new URL((await yard.server.start()).url);
  const socket = connect(Number(port), "127.0.0.1");
  await once(socket, "connect");
  return socket.setEncoding("utf8").on("error", () => {});
}

/** Returns the answer, or that the connection was closed without one. */
async function send(socket: Socket, request: string): Promise<string> {
  const answer = once(socket, "data").then(([text]) => String(text));
  const closed = once(socket, "close").then(() => "closed");
  socket.write(request);
  return Promise.race([answer, closed]);
}

function toPost(id: string): string {
  const body = JSON.stringify({ id, event: "LAUNCH", stackId: "pr-1", machine: "review-app" });
  const headers = `host: 127.0.0.1\r\nauthorization: Bearer ${TOKEN}\r\ncontent-type: application/json`;
  return `POST /v1/events HTTP/1.1\r\n${headers}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

// nodejs/node#20256, kubernetes-sigs/aws-load-balancer-controller#3032, medplum/medplum#2253
describe("a connection that a load balancer keeps", () => {
  it("is kept for longer than load balancers do, which the answer says", async () => {
    yard = createTestYard({ port: 0 });
    const socket = await open();

    const answer = await send(socket, HEAD);
    socket.destroy();

    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer.toLowerCase()).toContain(`keep-alive: timeout=${KEEP_ALIVE_MS / 1_000}`);
    expect(KEEP_ALIVE_MS).toBeGreaterThan(60_000);
  });

  it("takes a request after a pause that is longer than the default of Node", async () => {
    yard = createTestYard({ port: 0 });
    const sockets = await Promise.all(Array.from({ length: 20 }, () => open()));
    await Promise.all(sockets.map((socket) => send(socket, HEAD)));

    const answers = sockets.map(async (socket, index) => {
      await sleep(6_000 + 50 * index);
      return send(socket, toPost(`e-${index}`));
    });
    const heads = (await Promise.all(answers)).map((answer) => answer.split("\r\n")[0]);
    for (const socket of sockets) socket.destroy();

    expect(new Set(heads)).toEqual(new Set(["HTTP/1.1 202 Accepted"]));
  });

  it("is not closed by the time limits of requests while it waits for one", async () => {
    yard = createTestYard({ port: 0, limits: { requestMs: 1_000 } });
    const socket = await open();
    await send(socket, HEAD);

    await sleep(3_500);
    const answer = await send(socket, HEAD);
    socket.destroy();

    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("is closed at once when the server stops", async () => {
    yard = createTestYard({ port: 0 });
    const socket = await open();
    await send(socket, HEAD);
    const closed = once(socket, "close").then(() => "closed");

    const stopping = yard.server.stop();

    expect(await Promise.race([closed, sleep(5_000, "open")])).toBe("closed");
    await stopping;
  });
});
