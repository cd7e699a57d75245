import type { ExecutorContext } from "@stackyard/core";
import type { SimulatorInput } from "@stackyard/core/testing";
import type { ArtifactsClient } from "@stackyard/server";

// What only AWS can have, as the executors and the distributor would report it.

export const PLACE = { account: "111122223333", region: "eu-west-1", project: "acme/web", config: "prod" };

const STEP_MS = 15_000;

/** Returns the report of a release that waits for its groups, a minute after its start. */
export function toReleaseReport(now: number): object {
  const startedAt = now - 4 * STEP_MS;
  const path = ["Validate", "Lock", "Deploy", "CheckHealthy"];
  const service = { unhealthy: 0, terminating: 0, targetHealthy: 5, targetLaunched: 6, causes: [] };
  return {
    ...PLACE,
    operation: "deploy",
    releaseId: "rel-42",
    state: "CheckHealthy",
    since: now - STEP_MS,
    startedAt,
    timeoutSeconds: 900,
    path: path.map((state, index) => ({ state, at: startedAt + index * STEP_MS })),
    services: {
      web: {
        ...service,
        healthy: 3,
        unhealthy: 1,
        launching: 4,
        isHealthy: false,
        causes: ["no capacity in eu-west-1a"],
      },
      worker: { ...service, healthy: 5, launching: 5, isHealthy: true },
    },
    lines: [],
    laterErrors: [],
  };
}

const FAILURE = { state: "failed", code: "COMMAND_FAILED", responseCode: 2, stderrTail: "start\ndisk full\n" };
const NOT_SENT = { state: "not-sent", code: "NOT_SENT" };

/** 120 instances: three of them failed, one more than may, so nine were not sent to. */
export const FLEET_REPORT = Array.from({ length: 120 }, (_, index) => ({
  instanceId: `i-0${String(index).padStart(4, "0")}`,
  roles: [index % 5 === 0 ? "db" : index % 3 === 0 ? "worker" : "web"],
  ...(index < 3 ? FAILURE : index < 12 ? NOT_SENT : { state: "succeeded" }),
}));

const RESOURCES = `destroys aws_elasticache_cluster.sessions -49.60
forgets aws_route53_record.legacy 0.00
changes aws_ecs_service.api 0.00
changes aws_ecs_task_definition.api 3.10
changes aws_security_group_rule.db 0.00
adds aws_rds_cluster_instance.reader[1] 84.20
adds aws_sqs_queue.invoices 0.40
adds aws_sqs_queue.invoices_dead 0.00
adds aws_cloudwatch_metric_alarm.invoices 0.10`;

/** Returns what a plan of Terraform would do, as its executor reports it: that of a stack has an id, that of a release none. */
export function toPreview({ stackId, machine }: Pick<ExecutorContext, "stackId" | "machine">) {
  const counts = { adds: 4, changes: 3, destroys: 1, forgets: 1 };
  if (machine === "shop") return { ...counts, plan: `plan-of-${stackId}` };
  return { ...counts, monthly_cost: 412.2, resources: RESOURCES };
}

const AT = "2026-01-01T09:00:00Z";
const REGIONS = ["eu-west-1", "eu-central-1", "us-east-1"];
const ACCOUNTS = ["111122223333", "444455556666", "777788889999"];

/** The third has no name. */
export const ACCOUNT_NAMES = { "111122223333": "shop-prod", "444455556666": "shop-staging" };

type Row = Awaited<ReturnType<ArtifactsClient["coverage"]>>["rows"][number];
type Cell = Row["cells"][number];

const VERSIONS = [
  ["web", "1.43.0"],
  ["web", "1.42.0"],
  ["api", "1.42.0"],
  ["worker", "2.4.1"],
] as const;

/** The newest version has not arrived everywhere: a whole account is overdue, and a region still copies. */
function toCell(row: number, account: string, region: string): Cell {
  const isOverdue = row === 0 && account === ACCOUNTS[2];
  const isUnderWay = row === 0 && region === REGIONS[2];
  const cell = { account, region, files: 4, filesDone: 1, announcements: 1, verified: false, code: null, at: AT };
  if (isOverdue) return { ...cell, status: "overdue", code: "RECEIPT_OVERDUE" };
  if (isUnderWay) return { ...cell, status: "announced" };
  return { ...cell, status: "present", filesDone: 4, verified: true };
}

/** A distributor with four versions of three artifacts, in nine places. */
export const ARTIFACTS: ArtifactsClient = {
  coverage: async () => ({
    rows: VERSIONS.map(
      ([name, version], row): Row => ({
        name,
        version,
        manifestSha256: "4f1c".repeat(16),
        publishedAt: AT,
        covered: row > 0,
        retired: false,
        cells: ACCOUNTS.flatMap((account) => REGIONS.map((region) => toCell(row, account, region))),
      }),
    ),
  }),
  consumers: async () => ({ items: [] }),
  refresh: async () => ({ files: 1, messages: 1 }),
  replay: async () => ({ executionArn: "arn:aws:states:eu-west-1:111122223333:execution:a:b", startedAt: AT }),
};

/** All alarms of CloudWatch have been OK since the first day. */
export const ALARMS: NonNullable<SimulatorInput["aws"]> = {
  client: (Client) => {
    const client = new Client({ region: PLACE.region } as never);
    const send = async ({ input }: { readonly input: { readonly AlarmNames?: readonly string[] } }) => ({
      MetricAlarms: input.AlarmNames?.map((AlarmName) => ({
        AlarmName,
        StateValue: "OK",
        StateTransitionedTimestamp: new Date(0),
      })),
    });
    Object.assign(Object(client), { send });
    return client;
  },
  credentials: async () => {
    throw new Error("This yard has no credentials.");
  },
};
