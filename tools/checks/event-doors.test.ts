import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");

/**
 * Every file that makes an event of a sender, and who decides there whether it may be sent. A new file in this list is a
 * new way into a yard: let it call `decideEvent`, and add it to the test that sends all events by all ways
 * (`packages/server/src/access/event-doors.int.test.ts`).
 */
const DOORS: Readonly<Record<string, string>> = {
  "packages/server/src/routes/event-routes.ts": "POST /v1/events and previews: decideEvent, in checkPublished",
  "packages/server/src/routes/operation-routes.ts": "operations and approvals: the permission of the route",
  "packages/server/src/routes/upgrade-routes.ts": "upgrades: the permission of the route",
  "packages/server/src/routes/bulk-items.ts": "dry runs of bulk operations: decideEvent, in chooseItems",
  "packages/core/src/bulk/run-bulks.ts": "bulk operations: decideEvent, when they were started",
  "packages/core/src/services/service-deps.ts":
    "mappings of webhooks, other services, approvals: decideEvent, and grants",
  "packages/core/src/engine/engine.ts": "publishMessages, for these and for programs that embed a yard",
  "packages/core/src/jobs/create-jobs.ts": "jobs: the permission of the route, or the program that starts them",
  "packages/core/src/engine/attempts/attempt-result.ts": "follow-up jobs, which a task requests",
  "packages/core/src/engine/workers/message-worker.ts": "answers of runners without a store, over a queue",
  "packages/transport-sqs/src/message-codec.ts": "queues, topics and buses: decideEvent, in the engine",
  "packages/core/src/ports/queued-event.ts": "a damaged row, which is dead-lettered",
  "packages/core/src/aggregate/decide-on.ts": "the plan of an event that is decided: nothing is sent",
  "packages/core/src/engine/plans/planner.ts": "plans of upgrades: nothing is sent",
  "packages/core/src/engine/plans/foresee-tasks.ts": "plans of releases: nothing is sent",
  "packages/core/src/simulation/simulation.ts": "simulations, which have stacks of their own",
};

function listMakers(): readonly string[] {
  const files = globSync("{packages,apps}/*/src/**/*.{ts,tsx}", { cwd: ROOT });
  const sources = files.filter((file) => !/\.test(-d)?\.tsx?$|\/testing\//.test(file));
  return sources.filter((file) => {
    return /origin: "external"(?! \|)|\bpublishMessages\(/.test(readFileSync(join(ROOT, file), "utf8"));
  });
}

describe("the ways by which events come into a yard", () => {
  it("are all known", () => {
    expect(listMakers().toSorted()).toEqual(Object.keys(DOORS).toSorted());
  });
});
