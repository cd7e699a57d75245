import type { PluginService } from "@stackyard/core";
import { createServiceRunner } from "@stackyard/core/services";
import { createStateManager, openServices } from "@stackyard/runtime";
import { afterAll, beforeAll, expect, it } from "vitest";
import { YARD_PARAMETERS } from "../testing/a-yard.ts";
import { SERVICES_APP } from "../testing/an-app.ts";
import { findGrants } from "../testing/find-grants.ts";
import { findBody } from "../testing/find-template.ts";
import { resolveTemplate } from "../testing/resolve-template.ts";
import { type Deployment, findDenied, findUnused, startDeployment } from "../testing/start-deployment.ts";

const MACHINE = "{version: 2, events: [OPENED], states: {INIT: {on: {OPENED: LIVE}}, LIVE: {}}}";
const bodyOf = (wanted: string) => JSON.parse(findBody(wanted));

let yard: Deployment;
beforeAll(async () => {
  yard = await startDeployment(bodyOf("yard"), { ...YARD_PARAMETERS, MachinePrefix: "m/", LogLevel: "error" });
  await yard.putMachine("m/preview.yml", MACHINE);
});
afterAll(() => yard.stop());

/** Does what services do with the yard. */
const service: PluginService = {
  name: "busy",
  async tick({ records, queries, locator, clock, publish, findStack, describeStack }) {
    const key = "busy/one";
    const put = await records.put({ key, value: {}, expected: "absent", now: clock.now() });
    const found = await records.list("busy/", { limit: 10, now: clock.now() });
    if (put !== undefined) for (const { version } of found.items) await records.remove(key, version);
    await locator.find("preview");
    await queries.listHistory({}, { limit: 10 });
    await queries.listStacks({}, { limit: 10 });
    await findStack("pr-1");
    await describeStack("pr-1");
    const event = { id: "one", stackId: "pr-1", machine: "preview", event: "OPENED", metadata: {} };
    await publish(event, { id: "ci/1", name: "ci" });
    return undefined;
  },
};

it("the role of the template lets services do all that they do with the yard", async () => {
  const environment = yard.environmentOf("StateManagerFunction");
  const manager = createStateManager({ environment });
  await yard.send("stack-events", { stackId: "pr-1", machine: "preview", event: "OPENED" });
  await manager.handler(await yard.receive("stack-events"), { getRemainingTimeInMillis: () => 60_000 });
  yard.takeCalls();
  const errors: unknown[] = [];
  const logger = { debug() {}, info() {}, warn() {}, error: (_: string, fields?: object) => errors.push(fields) };

  const opened = await openServices({ environment, logger, resolvePath: (path) => path });
  await createServiceRunner(opened.deps, [service]).tickUntil(Date.now() + 60_000);
  await opened.sendEvents(Date.now() + 10_000);
  await opened.close();

  const grants = findGrants(
    resolveTemplate(bodyOf("services"), {
      ...SERVICES_APP,
      StacksTable: environment["DYNAMODB_TABLE"] ?? "",
      WorkTable: environment["DYNAMODB_WORK_TABLE"] ?? "",
      MachineBucket: environment["MACHINE_S3_BUCKET"] ?? "",
      MachinePrefix: "m/",
    }),
    "ServicesRole",
  );
  const calls = yard.takeCalls();
  expect(errors).toEqual([]);
  expect(calls.map(({ action }) => action)).toContain("sqs:SendMessage");
  expect(findDenied(grants, calls)).toEqual([]);
  expect(findUnused(grants, calls)).toEqual(["Logs Write", "Project List", "Project Read"]);
});
