import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Stackyard } from "@stackyard/sdk";
import type { Check } from "stackyard-example-review-app/checks";
import type { ControlPlane } from "stackyard-example-review-app/control-plane";
import type { Reviewer } from "stackyard-example-review-app/reviewer";
import type { Timeline } from "stackyard-example-review-app/timeline";
import type { Waiting } from "stackyard-example-review-app/waiting";
import { countFiles, countRows, ENVIRONMENTS, findFile, findTask, listTenants } from "./observe.ts";

export interface StoryInput {
  readonly yard: Stackyard;
  readonly plane: Pick<ControlPlane, "kill">;
  readonly timeline: Timeline;
  readonly waiting: Waiting;
  readonly reviewer: Reviewer;
  /** Each environment and each tenant has a folder in it, with a file that says which version runs. */
  readonly folder: string;
}

/** What the first tenant to fail is. */
const FULL = "t-07";

/** Plays it, and returns what was seen on the way. */
export async function playStory(input: StoryInput): Promise<readonly Check[]> {
  await openYard(input);
  const first = await releaseFirst(input);
  const stale = await meetStalePlan(input);
  const failing = await meetFailingTenant(input);
  const undone = await undoRelease(input);
  return [...first, ...stale, ...failing, ...undone];
}

/** Three environments and 40 tenants with 1.0.0; four of them are canaries. */
async function openYard({ yard, timeline, waiting, folder }: StoryInput): Promise<void> {
  const api = "1.0.0";
  await yard.publishMany([
    ...ENVIRONMENTS.map((stackId) => ({ stackId, machine: "shop", event: "OPENED", metadata: { api } })),
    ...listTenants().map((stackId, index) => ({
      stackId,
      machine: "tenant",
      event: "OPENED",
      metadata: { api, ring: index % 10 === 6 ? "canary" : "rest", tier: index % 2 === 0 ? "gold" : "silver" },
    })),
  ]);
  timeline.say("three environments and 40 tenants are opened with 1.0.0");
  const all = [...ENVIRONMENTS, ...listTenants()];
  await waiting.until("the environments and tenants", async () => {
    const { items } = await yard.stacks.list({ state: "LIVE" }, { limit: 100 });
    return items.length === all.length || undefined;
  });
  timeline.say(`all are LIVE: ${await countFiles(folder, all)}`);
}

/** 1.1.0 to everything: a freeze holds its second wave, and the server is killed in the third. */
async function releaseFirst(input: StoryInput): Promise<readonly Check[]> {
  const { yard, timeline, waiting, plane, folder } = input;
  const release = "shop-1.1.0";
  await startRelease(input, "1.1.0");
  await approve(input, release);
  await waiting.until("the canaries", async () => {
    const { sent = 0, done = 0 } = await countRows(yard, release, "tenants");
    return sent + done >= CANARIES || undefined;
  });
  await yard.freezes.start({ name: "winter", reason: "Christmas", machine: "tenant", to: findLater() });
  timeline.say("a person freezes all tenants: stackyard freezes start winter --machine tenant");
  const held = await waiting.until("the wave that is held", async () => {
    const { items } = await yard.deploys.stacks(release, "tenants", { state: "waiting", limit: 50 });
    return items.some(({ code }) => code === "FROZEN") ? items.length : undefined;
  });
  const frozen = await countFiles(folder, listTenants());
  timeline.say(`${held} tenants wait with FROZEN: ${frozen}`);
  await yard.freezes.end("winter");
  await waiting.until("the last wave", async () => {
    const { sent = 0 } = await countRows(yard, release, "tenants");
    return sent > LAST_WAVE || undefined;
  });
  const below = await plane.kill();
  timeline.warn(`kill -9 in the last wave: the server and ${below.length} processes below it`);
  await inState(input, release, "DONE");
  timeline.say(`it has continued, and 1.1.0 is everywhere: ${await countFiles(folder, listTenants())}`);
  const counts = await countApplied(yard, release);
  return [
    { what: "1.1.0: tenants while they were frozen", expected: "1.0.0 × 36, 1.1.0 × 4", found: frozen },
    { what: "1.1.0: events of the release that each tenant applied", expected: "1 × 40", found: counts },
  ];
}

/** A freeze holds production; meanwhile a person changes it, after the approval. */
async function meetStalePlan(input: StoryInput): Promise<readonly Check[]> {
  const { yard, timeline, waiting, folder } = input;
  const release = "shop-1.2.0";
  await startRelease(input, "1.2.0");
  const { id, of } = await findApproval(input, release);
  await yard.freezes.start({ name: "audit", reason: "audit of production", machine: "shop", to: findLater() });
  await input.reviewer.approve(id, of);
  await inState(input, release, "PRODUCTION");
  timeline.say("a release manager approves the plan, while a freeze holds production");
  await yard.publish({ stackId: "shop-prod", event: "SET", metadata: { api: "1.1.9" } });
  timeline.say("after the approval, a person sets production to 1.1.9 by hand");
  await waiting.until(
    "production at 1.1.9",
    async () => (await findFile(folder, "shop-prod")) === "1.1.9" || undefined,
  );
  await yard.freezes.end("audit");
  const code = await waiting.until("the end of the deployment", async () => {
    const { items } = await yard.stacks.history(release, { order: "newest" });
    return items.find(({ task, event }) => task === "production" && event === "TASK_ERROR")?.code;
  });
  await inState(input, release, "STOPPED");
  const running = await countFiles(folder, ["shop-prod"]);
  timeline.say(`the freeze is over, and nothing was sent: ${code}; production is at ${running}`);
  const events = String(await countSent(yard, "shop-prod", release));
  return [
    { what: "1.2.0: after a change by hand", expected: "PLAN_STALE", found: code },
    { what: "1.2.0: events of that release to production", expected: "0", found: events },
    { what: "1.2.0: production then", expected: "1.1.9 × 1", found: running },
  ];
}

/** It is planned and approved again; a canary fails, a person repairs it and retries. */
async function meetFailingTenant(input: StoryInput): Promise<readonly Check[]> {
  const { yard, timeline, waiting, folder } = input;
  const release = "shop-1.2.0";
  const full = join(folder, `${FULL}.full`);
  await writeFile(full, "");
  await yard.publish({ stackId: release, event: "AGAIN" });
  timeline.say("AGAIN plans anew, from what production has now");
  await approve(input, release);
  const failure = await waiting.until("the failure of a tenant", async () => {
    const task = await findTask(yard, release, "tenants");
    return task?.status === "ERROR" ? task : undefined;
  });
  const rows = await countRows(yard, release, "tenants");
  const versions = await countFiles(folder, listTenants());
  const { state } = await yard.stacks.get(release);
  timeline.say(
    `the disk of ${FULL}, a canary, is full: ${failure.errorCode}; ${rows["unsent"]} tenants were not sent to`,
  );
  await rm(full);
  await yard.stacks.retry(release, { task: "tenants", reason: "the disk has room" });
  timeline.say("a person makes room and retries the task: it takes those that failed or were not sent to");
  await inState(input, release, "DONE");
  const { done = 0 } = await countRows(yard, release, "tenants");
  return [
    { what: "1.2.0: its state while a canary had failed", expected: "PRODUCTION", found: state },
    { what: "1.2.0: tenants then", expected: "1.1.0 × 37, 1.2.0 × 3", found: versions },
    { what: "1.2.0: tenants not sent to then", expected: "36", found: String(rows["unsent"]) },
    { what: "1.2.0: tenants that have arrived", expected: "40", found: String(done) },
  ];
}

async function undoRelease(input: StoryInput): Promise<readonly Check[]> {
  const { yard, timeline, folder } = input;
  const release = "shop-1.2.0";
  timeline.say(`1.2.0 is everywhere: ${await countFiles(folder, listTenants())}; a person sends ROLLBACK`);
  await yard.publish({ stackId: release, event: "ROLLBACK" });
  await inState(input, release, "STOPPED");
  timeline.say(`each has what it had before: ${await countFiles(folder, listTenants())}`);
  const { undone = 0 } = await countRows(yard, release, "tenants");
  return [{ what: "1.2.0: tenants that were undone", expected: "40", found: String(undone) }];
}

const CANARIES = 4;
/** A freeze that somebody ends holds as long as a slow machine needs to see it. */
function findLater(): string {
  return new Date(Date.now() + 3_600_000).toISOString();
}

/** More are on their way only in the last wave: the others have four. */
const LAST_WAVE = 4;

async function startRelease(input: StoryInput, api: string): Promise<void> {
  const { yard, timeline, folder } = input;
  const release = `shop-${api}`;
  await yard.publish({ stackId: release, machine: "shop-release", event: "RELEASED", metadata: { api } });
  timeline.say(`release ${release} starts: test, staging, a soak`);
  await inState(input, release, "REVIEW");
  timeline.say(`test and staging have it: ${await countFiles(folder, ["shop-test", "shop-staging"])}`);
}

async function findApproval({ waiting, yard, timeline }: StoryInput, release: string) {
  const approval = await waiting.until("the approval", async () => {
    const { items } = await yard.approvals.list();
    return items.find(({ stackId, of }) => stackId === release && of !== undefined);
  });
  const { items } = await yard.stacks.history(release, { order: "newest" });
  const plan = items.find(({ task, event }) => task === "plan" && event === "TASK_COMPLETED");
  timeline.say(`the plan ${approval.of?.slice(0, 7)}: ${toSummary(plan?.outputs)}`);
  return approval;
}

function toSummary(outputs: unknown): string {
  return typeof outputs === "object" && outputs !== null && "summary" in outputs ? String(outputs.summary) : "";
}

async function approve(input: StoryInput, release: string): Promise<void> {
  const { id, of } = await findApproval(input, release);
  await input.reviewer.approve(id, of);
  input.timeline.say("a release manager approves exactly this plan");
}

function inState({ waiting, yard }: StoryInput, stackId: string, state: string): Promise<true> {
  return waiting.until(`${stackId} in ${state}`, async () => {
    const { items } = await yard.stacks.list({ idPrefix: stackId });
    return items.some((stack) => stack.id === stackId && stack.state === state) || undefined;
  });
}

/** Counts the events of a release that a stack has applied. */
async function countSent(yard: Stackyard, stackId: string, release: string): Promise<number> {
  const { items } = await yard.stacks.history(stackId, { limit: 100 });
  return items.filter((entry) => entry.release?.id === release && entry.outcome === "applied").length;
}

/** Returns how many events of a release the tenants have applied: `1 × 40`. */
async function countApplied(yard: Stackyard, release: string): Promise<string> {
  const counts: number[] = [];
  for (const tenant of listTenants()) counts.push(await countSent(yard, tenant, release));
  return [...Map.groupBy(counts, (count) => count)].map(([count, same]) => `${count} × ${same.length}`).join(", ");
}
