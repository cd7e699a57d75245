import type { ArtifactsClient } from "@stackyard/server";

// What only AWS can have, as the executors and the distributor would report it.

export const PLACE = { account: "111122223333", region: "eu-west-1", project: "acme/web", config: "prod" };

const MINUTE_MS = 60_000;

/** Returns the report of a release that waits for its groups, 4 minutes after its start. */
export function toReleaseReport(now: number): object {
  const startedAt = now - 4 * MINUTE_MS;
  const path = ["Validate", "Lock", "CreateGroups", "CheckHealthy"];
  const service = { unhealthy: 0, terminating: 0, targetHealthy: 5, targetLaunched: 6, causes: [] };
  return {
    ...PLACE,
    operation: "deploy",
    releaseId: "rel-42",
    state: "CheckHealthy",
    since: now - MINUTE_MS,
    startedAt,
    timeoutSeconds: 900,
    path: path.map((state, index) => ({ state, at: startedAt + index * MINUTE_MS })),
    services: {
      web: {
        ...service,
        healthy: 3,
        unhealthy: 1,
        launching: 2,
        isHealthy: false,
        causes: ["no capacity in eu-west-1a"],
      },
      worker: { ...service, healthy: 5, launching: 0, isHealthy: true },
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
