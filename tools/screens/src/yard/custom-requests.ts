import { CUSTOM_RESOURCE_RUNS, type Store } from "@stackyard/core";
import type { CustomResourceRun } from "@stackyard/core/api";
import { PLACE } from "./aws-data.ts";

// What CloudFormation has asked the function behind `Custom::ECSTask`, as that would have recorded it.

const MINUTE_MS = 60_000;
const LAST_MS = 10 ** 13;
const { account, region } = PLACE;

const toArn = (service: string, resource: string) => `arn:aws:${service}:${region}:${account}:${resource}`;
const toInstant = (at: number) => new Date(at).toISOString();

interface Asked {
  readonly name: string;
  readonly stack: string;
  readonly minutesAgo: number;
  readonly type: CustomResourceRun["requestType"];
  readonly revision: number;
  /** Undefined: its task still runs. */
  readonly reason?: string;
}

/** Two updates of one resource, of which the second failed; one of another stack that runs, and a deletion. */
const REQUESTS: readonly Asked[] = [
  { name: "Seed", stack: "search", minutesAgo: 3, type: "Create", revision: 7 },
  {
    name: "Migration",
    stack: "shop",
    minutesAgo: 24,
    type: "Update",
    revision: 42,
    reason:
      "ECS_EXIT_CODE: task 96052dc0 container app exited with 1 (EssentialContainerExited). Last lines: schema is at 0041\nERROR: no space left in tablespace invoices\n    at migrations/0042_invoice_lines.sql:17",
  },
  {
    name: "Report",
    stack: "billing",
    minutesAgo: 95,
    type: "Delete",
    revision: 3,
    reason: "DELETE: nothing was running.",
  },
  {
    name: "Migration",
    stack: "shop",
    minutesAgo: 1_510,
    type: "Update",
    revision: 41,
    reason: "RUN: 1 task has ended.",
  },
];

function toRun({ name, stack, minutesAgo, type, revision, reason }: Asked, now: number): CustomResourceRun {
  const receivedAt = now - minutesAgo * MINUTE_MS;
  const hex = `${name}${stack}`.length.toString(16).padStart(2, "0").repeat(16);
  const isFailed = reason?.startsWith("ECS_") === true;
  const hasRun = type !== "Delete";
  const task = hasRun ? [toArn("ecs", `task/web/96052dc0${hex.slice(8)}`)] : [];
  return {
    id: `${String(LAST_MS - receivedAt).padStart(13, "0")}-${stack}-${name}`.toLowerCase(),
    requestId: `${stack}-${revision}`,
    requestType: type,
    stackId: toArn("cloudformation", `stack/${stack}/0c5d1b70-1a2b-11f1-9d3e-0a1b2c3d4e5f`),
    logicalId: name,
    resourceId: hex,
    cluster: "web",
    taskDefinition: toArn("ecs", `task-definition/${name.toLowerCase()}:${revision}`),
    taskArns: task,
    receivedAt: toInstant(receivedAt),
    startedAt: toInstant(receivedAt + 9_000),
    ...(reason !== undefined && {
      answeredAt: toInstant(receivedAt + (hasRun ? 2 * MINUTE_MS : 10_000)),
      answer: {
        status: isFailed ? "FAILED" : "SUCCESS",
        reason,
        physicalId: hex,
        data: { Ran: String(hasRun) },
      },
    }),
  };
}

/** Writes the requests. Returns the id of the failed one. */
export async function recordCustomRequests({ records }: Store, now: number): Promise<string> {
  const runs = REQUESTS.map((asked) => toRun(asked, now));
  for (const run of runs) {
    await records.put({ key: `${CUSTOM_RESOURCE_RUNS}${run.id}`, value: run, expected: "absent", now });
  }
  const failed = runs.find(({ answer }) => answer?.status === "FAILED");
  if (failed === undefined) throw new Error("No request has failed.");
  return failed.id;
}
