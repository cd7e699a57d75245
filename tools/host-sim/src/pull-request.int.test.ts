import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { sendPullRequest } from "./pull-request.ts";
import { listen, stop } from "./server.ts";

interface Received {
  readonly path: string | undefined;
  readonly event: unknown;
  readonly isSigned: boolean;
  readonly body: { readonly action: string; readonly pull_request: { readonly head: { readonly sha: string } } };
}

const received: Received[] = [];
const server = createServer(async (request, response) => {
  const { "x-github-event": event, "x-hub-signature-256": signature } = request.headers;
  const body = JSON.parse(await text(request));
  received.push({ path: request.url, event, isSigned: /^sha256=[0-9a-f]{64}$/.test(String(signature)), body });
  response.writeHead(202).end();
});

describe("sendPullRequest", () => {
  afterEach(() => stop(server));

  it("sends the one webhook that GitHub sends", async () => {
    const url = `http://127.0.0.1:${await listen(server)}`;
    const send = (action: "open" | "push" | "close", commit: string) =>
      sendPullRequest({ action, commit, secret: "of the test", server: url });

    const statuses = [await send("open", "one"), await send("push", "two"), await send("close", "two")];

    expect(statuses).toEqual([202, 202, 202]);
    expect(received.map(({ path, event, isSigned, body }) => [path, event, isSigned, body.action])).toEqual([
      ["/hooks/github", "pull_request", true, "opened"],
      ["/hooks/github", "pull_request", true, "synchronize"],
      ["/hooks/github", "pull_request", true, "closed"],
    ]);
    const [opened, pushed, closed] = received.map(({ body }) => body.pull_request.head.sha);
    expect(pushed).toBe(closed);
    expect(opened).not.toBe(pushed);
  });
});
