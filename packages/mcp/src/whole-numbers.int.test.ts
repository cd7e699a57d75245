import type { AnyOperation } from "@stackyard/core/api/operations";
import * as operations from "@stackyard/core/api/operations";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type McpYard, startMcpYard } from "./testing/mcp-yard.ts";
import { TOOLS } from "./tools.ts";

let place: McpYard;
beforeAll(async () => {
  place = await startMcpYard();
  await place.open("pr-1");
});
afterAll(() => place.stop());

const ROUNDED = "8202522731445525542";

/** By operation that takes free values: requests whose 0 becomes a number that JSON rounds. */
const REQUESTS: Readonly<Record<string, readonly (readonly [path: string, body: object])[]>> = {
  publishEvents: [
    ["/v1/events", { event: "REVIEW", stackId: "pr-1", metadata: { id: 0 } }],
    ["/v1/events", [{ event: "REVIEW", stackId: "pr-1", metadata: { id: 0 } }]],
    ["/v1/events", { detail: { event: "REVIEW", stackId: "pr-1", metadata: { id: 0 } } }],
  ],
  previewEvent: [["/v1/stacks/pr-1/simulate", { event: "REVIEW", metadata: { id: 0 } }]],
  startBulk: [
    [
      "/v1/bulk",
      { operation: "send", filter: { ids: ["pr-1"] }, dryRun: true, body: { event: "REVIEW", metadata: { id: 0 } } },
    ],
  ],
  simulate: [
    ["/v1/simulate", { steps: [{ event: { stackId: "pr-2", machine: "app", event: "OPENED", metadata: { id: 0 } } }] }],
    [
      "/v1/simulate",
      {
        steps: [
          { event: { stackId: "pr-2", machine: "app", event: "OPENED" } },
          { task: "work", result: "succeeded", outputs: { id: 0 } },
        ],
      },
    ],
  ],
  startJob: [["/v1/jobs", { executor: "script", config: { note: "a", id: 0 } }]],
};

/** Arguments of each tool that takes free values. */
const ARGUMENTS: Readonly<Record<string, object>> = {
  simulate_event: { stack: "pr-1", event: "REVIEW", metadata: { id: Number(ROUNDED) } },
  send_event: { stack: "pr-1", event: "REVIEW", metadata: { id: Number(ROUNDED) } },
};

/** Returns true for the schema of a value that may contain any number. */
function isFree(schema: unknown): boolean {
  if (typeof schema !== "object" || schema === null) return false;
  if ("~kind" in schema && schema["~kind"] === "Unknown") return true;
  if ("type" in schema && schema.type === "number" && !("maximum" in schema)) return true;
  return Object.values(schema).some(isFree);
}

it("the tables name every operation and every tool that takes free values", () => {
  const all: readonly (AnyOperation | object)[] = Object.values(operations);
  const takers = all.filter(
    (each): each is AnyOperation => "operationId" in each && isFree(each.describedBody ?? each.body),
  );

  expect(Object.keys(REQUESTS).toSorted()).toEqual(takers.map(({ operationId }) => operationId).toSorted());
  expect(Object.keys(ARGUMENTS)).toEqual(TOOLS.filter(({ input }) => isFree(input)).map(({ name }) => name));
});

// n8n#14715, inngest#4058, st2web#665, temporal/ui#2670, n8n#26925
it.each(Object.entries(REQUESTS).flatMap(([name, requests]) => requests.map((request) => [name, ...request] as const)))(
  "a whole number that JSON rounds is refused by %s %s %j",
  async (_name, path, given) => {
    const body = JSON.stringify(given).replace('"id":0', `"id":${ROUNDED}`);

    const answer = await place.call(path, { body });

    expect(await answer.text()).toContain("JSON rounds");
  },
);

it.each(Object.entries(ARGUMENTS))("a whole number that JSON rounds is refused by the tool %s", async (name, args) => {
  const client = await place.connect();

  const result = await client.callTool({ name, arguments: { ...args } });

  expect(result.isError).toBe(true);
  expect(JSON.stringify(result.content)).toContain("JSON rounds");
});
