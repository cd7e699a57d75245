import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { PluginCommand, PluginCommandContext } from "@stackyard/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hostsDoctor } from "../hosts-doctor.ts";
import { hooksLs, queueLs, queueRedrive } from "./hook-commands.ts";

const AT = "2026-01-01T00:00:00.000Z";
const event = { id: "github/d1/pull.open", stackId: "shop-pr-7", event: "OPENED", rule: "open" };
const said = {
  id: "d1",
  host: "github",
  receivedAt: AT,
  what: "pull.opened",
  subject: "acme/shop#7",
  sender: "octocat",
};
const failure = { count: 2, firstAt: AT, lastAt: AT, message: "HOOK_FAILED: document shop: machine: Unknown machine." };
const answers: Record<string, unknown> = {
  "/v1/hooks?limit=6": {
    items: [
      { ...said, outcome: { kind: "events", events: [event] } },
      { ...said, id: "d2", outcome: { kind: "refused", reason: "No write permission." } },
      { ...said, id: "d3", queued: {} },
      { ...said, id: "d4", queued: { failure } },
      { ...said, id: "d5", queued: { failure, deadAt: AT } },
      { ...said, id: "d6" },
    ],
  },
  "/v1/queue?limit=100": {
    items: [
      { queue: "hooks", key: "github/d3", dueAt: AT, failure, deadAt: AT },
      { queue: "hooks", key: "github/d4", dueAt: AT },
    ],
  },
};

const reason = "github answers that acme/shop does not exist.";
answers["/v1/services"] = { items: [{ name: "hosts" }, { name: "hosts-poll", failure }, { name: "quota", failure }] };
answers["/v1/previews?faulty=true&limit=100"] = {
  items: [
    {
      stackId: "shop-pr-7",
      pull: { repository: { fullName: "acme/shop" }, number: 7 },
      fault: { kind: "unreadable", since: AT, reason },
    },
  ],
};

let server: Server;
let url = "";
beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const isUnknown = request.url === "/v1/queue/redrive" && JSON.parse(body).key !== "github/d3";
    const problem = { title: "Not found", detail: "The queue has no dead letter.", code: "NOT_FOUND", status: 404 };
    const found = isUnknown ? problem : (answers[request.url ?? ""] ?? { redriven: true });
    const type = isUnknown ? "application/problem+json" : "application/json";
    response.writeHead(isUnknown ? 404 : 200, { "content-type": type }).end(JSON.stringify(found));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function run(command: PluginCommand, args: Readonly<Record<string, unknown>>) {
  const results: unknown[] = [];
  const texts: string[] = [];
  const context: PluginCommandContext = {
    out: {
      result(value, toText) {
        results.push(value);
        texts.push(toText());
      },
      progress: () => undefined,
      note: (text) => texts.push(text),
    },
    cwd: "/",
    projectDir: "/",
    dataDir: "/",
    environment: {},
    yards: {},
    server: { url, token: "t" },
    signal: new AbortController().signal,
  };
  return { code: await command.run(context, args), results, text: texts.join("\n") };
}

describe("hosts doctor", () => {
  it("lists services of code hosts that fail, and stacks whose pull request cannot be read", async () => {
    const { code, results } = await run(hostsDoctor, {});

    expect(code).toBe(1);
    expect(results).toEqual([
      expect.objectContaining({
        check: "services",
        status: "fail",
        message: `hosts-poll has failed since ${AT}: ${failure.message}`,
      }),
      expect.objectContaining({
        check: "previews",
        status: "fail",
        message: `shop-pr-7 of acme/shop#7, since ${AT}: ${reason}`,
      }),
    ]);
  });
});

describe("the commands about deliveries", () => {
  it("list what came, and what came of it", async () => {
    const { code, text } = await run(hooksLs, { limit: 6 });

    expect(code).toBe(0);
    expect(text.split("\n").map((line) => line.trimEnd().split(/ {2,}/).at(-1))).toEqual([
      "OUTCOME",
      "OPENED to shop-pr-7",
      "refused: No write permission.",
      "in the queue",
      `in the queue, failed 2 times: ${failure.message}`,
      `dead since ${AT}: ${failure.message}`,
      "not in the queue: redeliver it at the host",
    ]);
  });

  it("list what waits, and why it failed", async () => {
    const { text, results } = await run(queueLs, {});

    expect(text).toContain(`dead since ${AT}`);
    expect(text).toContain("Unknown machine.");
    expect(text).toContain(`due ${AT}`);
    expect(results).toEqual([answers["/v1/queue?limit=100"]]);
  });

  it("repeat the work on a dead letter, and fail without one", async () => {
    const found = await run(queueRedrive, { queue: "hooks", key: "github/d3" });
    const missing = run(queueRedrive, { queue: "hooks", key: "github/d9" });

    await expect(missing).rejects.toThrow("The queue has no dead letter.");
    expect(found.code).toBe(0);
    expect(found.results).toEqual([{ queue: "hooks", key: "github/d3", redriven: true }]);
  });
});
