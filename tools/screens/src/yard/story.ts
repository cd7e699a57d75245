import { setTimeout as sleep } from "node:timers/promises";
import { recordCustomRequests } from "./custom-requests.ts";
import { type StillYard, startStillYard } from "./still-yard.ts";

// What has happened in the yard whose screens are taken: 350 stacks of five machines, six of them broken. All of it follows
// from this file: no clock, no random number.

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const TEAMS = ["checkout", "payments", "web", "search"];
const TITLES = [
  "Split invoice lines",
  "New basket page",
  "Synonyms for sizes",
  "Gift cards",
  "Faster totals",
  "Dutch texts",
];

/** Versions of tenants that have another one than the others. */
const FIRST_VERSIONS: Readonly<Record<number, string>> = { 17: "1.42.0", 30: "1.40.9", 15: "1.41.2" };

/** The addresses of the things that have a page. */
export type StoryIds = {
  readonly releaseJob: string;
  readonly fleetJob: string;
  readonly job: string;
  /** The failed one of the failed stack. */
  readonly attempt: string;
  /** The failed one of CloudFormation. */
  readonly request: string;
};

/** Starts the yard with its stacks. */
export async function startStoryYard(): Promise<{ readonly yard: StillYard; readonly ids: StoryIds }> {
  await warmUp();
  const yard = await startStillYard();
  await openStacks(yard);
  await yard.simulator.advance(3 * HOUR_MS);
  await putToSleep(yard);
  await link(yard);
  await yard.simulator.advance(10 * HOUR_MS);
  setFates(yard);
  await release(yard);
  await breakStacks(yard);
  const jobs = await startJobs(yard);
  const { store, clock } = yard.simulator;
  const request = await recordCustomRequests(store, clock.now());
  return { yard, ids: { ...jobs, request, attempt: await findAttempt(yard) } };
}

const WARM_TURNS = 600;

/**
 * Plays one release in another yard. What an executor does is loaded when it first does so, which takes time that is not
 * that of the yard: on a busy machine the story would be another one.
 */
async function warmUp(): Promise<void> {
  const yard = await startStillYard();
  const { simulator } = yard;
  const open = { machine: "tenant", event: "OPENED" };
  await simulator.publish(
    { ...open, machine: "shop", stackId: "shop-staging", metadata: { api: "1" } },
    { ...open, machine: "shop", stackId: "shop-prod", metadata: { api: "1" } },
    ...Array.from({ length: 20 }, (_, index) => ({
      ...open,
      stackId: `tenant-${index}`,
      metadata: { api: "1", ring: index < 2 ? "canary" : "rest" },
    })),
  );
  await startRelease(yard, "2");
  for (let turn = 0; turn < WARM_TURNS; turn += 1) {
    await simulator.advance(MINUTE_MS);
    await sleep(20);
    const stack = await simulator.findStack("shop-2");
    if (stack?.state === "DONE") return yard.stop();
    if (stack?.approvals?.["sign-off"] !== undefined) await approveTwice(yard, "shop-2");
  }
  throw new Error("The release of the warm-up does not end.");
}

function setFates({ fates }: StillYard): void {
  fates.set("web-pr-482 migrate", {
    kind: "fails",
    code: "MIGRATION_FAILED",
    message: 'relation "invoice_line" already exists\n    at migrations/0042_invoice_lines.sql:17',
    log: [
      "connected to web-pr-482 as migrator",
      "schema is at 0040, 2 files to apply",
      "0041_add_currency.sql    ok, 84 ms",
      "0042_invoice_lines.sql",
      '\u001b[31mERROR: relation "invoice_line" already exists\u001b[0m',
      "  at migrations/0042_invoice_lines.sql:17",
      "rolled back 0042, schema stays at 0041",
    ],
  });
  for (const id of ["payments-staging-5", "payments-staging-10", "checkout-staging-12"]) {
    fates.set(`${id} smoke`, {
      kind: "fails",
      code: "SMOKE_FAILED",
      message: "GET /health returned 503 Service Unavailable",
      log: ["waiting for the service", "GET /health 503"],
    });
  }
  fates.set("billing-staging-19 deploy", {
    kind: "fails",
    code: "MIGRATION_FAILED",
    message: "permission denied for schema billing",
    log: ["permission denied for schema billing"],
  });
  fates.set("tenant-33 app", {
    kind: "fails",
    code: "STATE_LOCKED",
    message: "Error acquiring the state lock: it is held by ci since 14:39",
    log: ["Error: Error acquiring the state lock"],
  });
  const running: readonly (readonly [string, string])[] = [
    ["web-pr-483 app", "apply: 14 of 22 resources"],
    ["web-pr-484 database", "waiting for the instance"],
    ["web-pr-485 app", "apply: 3 of 18 resources"],
    ["payments-staging-2 smoke", "GET /health"],
    ["tenant-62 app", "apply: 9 of 22 resources"],
    ["tenant-21 app", "apply: 12 of 22 resources"],
  ];
  for (const [key, message] of running) fates.set(key, { kind: "runs", message, log: ["begins", message] });
}

async function openStacks({ simulator }: StillYard): Promise<void> {
  const previews = Array.from({ length: 168 }, (_, index) => 320 + index);
  await simulator.publish(
    ...previews
      .filter((number) => number < 483)
      .map((number) => ({
        stackId: `web-pr-${number}`,
        machine: "review-app",
        event: "OPENED",
        metadata: {
          sha: toCommit(number),
          url: `https://pr-${number}.preview.example.org/`,
          team: TEAMS[number % TEAMS.length],
          monthly_cost: 20 + (number % 9),
        },
      })),
    ...Array.from({ length: 96 }, (_, index) => {
      const team = ["payments", "checkout", "billing", "search"][index % 4] ?? "";
      return toServiceEvent(`${team}-staging-${Math.floor(index / 4)}`, "2.17.4", team);
    }),
    ...["shop-staging", "shop-prod"].map((stackId) => ({
      stackId,
      machine: "shop",
      event: "OPENED",
      metadata: { api: "1.41.3", team: "checkout", monthly_cost: 374 },
    })),
    ...Array.from({ length: 84 }, (_, index) => ({
      stackId: `tenant-${String(index).padStart(2, "0")}`,
      machine: "tenant",
      event: "OPENED",
      metadata: {
        api: FIRST_VERSIONS[index] ?? "1.41.3",
        ring: index < 4 ? "canary" : "rest",
        team: "tenants",
        monthly_cost: 84.9,
      },
    })),
  );
  await simulator.settle();
}

function toServiceEvent(stackId: string, version: string, team: string): object {
  const metadata = { version, team, url: `https://${stackId}.example.org/`, monthly_cost: 123 };
  return { stackId, machine: "service", event: "RELEASED", metadata };
}

const toCommit = (number: number) => (number * 2_654_435_761).toString(16).padStart(12, "0").repeat(4).slice(0, 40);

async function putToSleep({ simulator }: StillYard): Promise<void> {
  const sleepers = Array.from({ length: 90 }, (_, index) => `web-pr-${320 + index}`);
  await simulator.publish(...sleepers.map((stackId) => ({ stackId, event: "SLEPT" })));
  await simulator.settle();
}

async function link({ call }: StillYard): Promise<void> {
  const pulls = Array.from({ length: 24 }, (_, index) => 459 + index);
  for (const number of pulls) {
    await call(
      `/v1/previews/web-pr-${number}/link`,
      {
        host: "github",
        repository: { id: "1", fullName: "acme/web" },
        number,
        url: `https://github.com/acme/web/pull/${number}`,
        title: TITLES[number % TITLES.length],
        head: toCommit(number),
        owner: "ben",
      },
      "PUT",
    );
  }
}

async function startJobs({ call, simulator }: StillYard): Promise<Omit<StoryIds, "attempt" | "request">> {
  const start = async (executor: string, config: object) =>
    (await call<{ readonly jobId: string }>("/v1/jobs", { executor, config })).jobId;
  const target = {
    aws_account_id: "111122223333",
    aws_region: "eu-west-1",
    project_name: "acme/web",
    config_name: "prod",
    release_id: "rel-42",
  };
  const releaseJob = await start("asg", { op: "deploy", release: target });
  const fleetJob = await start("runcommand", { profile: "patch-scan", maxErrors: 2 });
  const job = await start("script", { run: ["bin/rebuild-search", "--index", "products"] });
  await simulator.advance(MINUTE_MS);
  for (const serial of [1, 2]) {
    const resource = {
      mode: "managed",
      type: "aws_sqs_queue",
      name: "invoices",
      instances: [{ attributes: { serial } }],
    };
    await call("/terraform/state/shop%2Fprod", {
      version: 4,
      serial,
      lineage: "shop",
      outputs: {},
      resources: [resource],
    });
  }
  await call("/v1/tokens", { name: "deployments", role: "operator", expires: "90d" });
  return { releaseJob, fleetJob, job };
}

const MANAGERS = ["release-managers"];

async function release(yard: StillYard): Promise<void> {
  const { simulator } = yard;
  await startRelease(yard, "1.42.0");
  await simulator.advance(5 * MINUTE_MS);
  await approveTwice(yard, "shop-1.42.0");
  await simulator.advance(25 * MINUTE_MS);
}

/** Once the window for the tenants has closed. */
async function releaseNext(yard: StillYard): Promise<void> {
  await startRelease(yard, "1.43.0");
  await yard.simulator.advance(8 * MINUTE_MS);
  await approve(yard, "shop-1.43.0", { name: "eve", reason: "load test is green" });
}

function startRelease({ send }: StillYard, api: string): Promise<void> {
  const message = { stackId: `shop-${api}`, machine: "shop-release", event: "RELEASED", metadata: { api } };
  return send(message, { name: "ci" });
}

async function approveTwice(yard: StillYard, stackId: string): Promise<void> {
  await approve(yard, stackId, { name: "eve", reason: "load test is green" });
  await approve(yard, stackId, { name: "noor" });
}

interface Approver {
  readonly name: string;
  readonly reason?: string;
}

async function approve(yard: StillYard, stackId: string, { name, reason }: Approver): Promise<void> {
  const { id, of } = (await yard.simulator.findStack(stackId))?.approvals?.["sign-off"] ?? {};
  if (id === undefined) throw new Error(`${stackId} does not wait for an approval.`);
  const message = { stackId, event: "APPROVE_TASK", task: { name: "sign-off" }, dispatchId: id, of, reason };
  await yard.send(message, { name, groups: MANAGERS });
}

async function breakStacks(yard: StillYard): Promise<void> {
  const { simulator } = yard;
  const push = (stackId: string) => ({ stackId, event: "PUSHED", metadata: { sha: toCommit(stackId.length * 7) } });
  const open = (stackId: string) => ({
    stackId,
    machine: "review-app",
    event: "OPENED",
    metadata: { sha: toCommit(stackId.length), team: "web", monthly_cost: 21, url: `https://${stackId}.example.org/` },
  });
  await simulator.publish(toServiceEvent("billing-staging-19", "2.18.0", "billing"));
  await simulator.advance(25 * MINUTE_MS);
  await simulator.publish(open("web-pr-484"), open("web-pr-483"));
  await simulator.advance(7 * MINUTE_MS);
  await releaseNext(yard);
  for (const id of ["payments-staging-5", "payments-staging-10", "checkout-staging-12"]) {
    await simulator.publish(toServiceEvent(id, "2.18.0", id.split("-")[0] ?? ""));
    await simulator.advance(2 * MINUTE_MS);
  }
  await simulator.publish(push("web-pr-482"), open("web-pr-485"), open("web-pr-486"));
  await simulator.advance(8 * MINUTE_MS);
  await simulator.publish(toServiceEvent("payments-staging-2", "2.18.1", "payments"), push("web-pr-484"));
  await simulator.advance(4 * MINUTE_MS + 11_000);
}

async function findAttempt({ call }: StillYard): Promise<string> {
  type Attempts = { readonly items: readonly { readonly attemptId: string; readonly outcome?: string }[] };
  const { items } = await call<Attempts>("/v1/stacks/web-pr-482/attempts");
  const failed = items.find(({ outcome }) => outcome === "failed");
  if (failed === undefined) throw new Error("No attempt of web-pr-482 has failed.");
  return failed.attemptId;
}
