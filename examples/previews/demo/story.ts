import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { HostSim } from "@stackyard/host-sim";
import type { Stackyard } from "@stackyard/sdk";
import type { PreviewsApi } from "@stackyard/sdk/commands";
import type { Check } from "stackyard-example-review-app/checks";
import type { ControlPlane } from "stackyard-example-review-app/control-plane";
import type { Reviewer } from "stackyard-example-review-app/reviewer";
import type { Timeline } from "stackyard-example-review-app/timeline";
import type { Waiting } from "stackyard-example-review-app/waiting";
import type { Account } from "./account.ts";

/** Where the pull requests of the story are. */
export const REPOSITORY = "acme/shop";

export interface StoryInput {
  readonly yard: Stackyard;
  readonly previews: PreviewsApi;
  readonly github: HostSim;
  readonly account: Account;
  readonly plane: ControlPlane;
  readonly timeline: Timeline;
  readonly waiting: Waiting;
  readonly reviewer: Reviewer;
  /** Each resource of a preview is a file of this folder. */
  readonly folder: string;
}

const toCommit = (digit: string): string => digit.repeat(40);

/** Of pull request 1. */
export const FIRST_COMMITS: readonly string[] = [toCommit("a"), toCommit("c")];

/** Plays it, and returns what was seen on the way. */
export async function playStory(input: StoryInput): Promise<readonly Check[]> {
  const cart = await openPreview(input);
  const fork = await trustFork(input);
  const approval = await approveReplacement(input);
  const third = await waitForPlace(input);
  const lost = await loseClose(input);
  const sleep = await sleepAndWake(input);
  const drift = await repairDrift(input);
  const rest = await closeRest(input);
  return [...cart, ...fork, ...approval, ...third, ...lost, ...sleep, ...drift, ...rest];
}

/** Opens a pull request, which gets its preview. */
async function openPreview(input: StoryInput): Promise<readonly Check[]> {
  const { github, timeline } = input;
  await github.openPull(REPOSITORY, { title: "Add a cart", head: toCommit("a") });
  timeline.say("pull request 1 is opened");
  const { url } = await inState(input, "pr-1", "LIVE");
  timeline.say(`its preview is ready: ${url}`);
  return [{ what: "pr-1: address of the preview", expected: "https://pr-1.previews.example.org", found: String(url) }];
}

/** Plays a fork: its code runs only after a person has trusted exactly this commit. */
async function trustFork(input: StoryInput): Promise<readonly Check[]> {
  const { github, timeline, waiting, yard } = input;
  const head = toCommit("b");
  await github.openPull(REPOSITORY, { title: "Fix a typo", author: "mona", fork: true, head });
  timeline.say("mona opens pull request 2 from a fork");
  const check = await waiting.until("the check of the fork", () =>
    github.reports.checks.find(({ set }) => set["head_sha"] === head),
  );
  const { conclusion } = check.set;
  await said(waiting, github, 2, `/preview trust ${head}`);
  const stacks = await listStacks(yard);
  timeline.say(`nothing runs for it, and its comment says why; the check is ${conclusion}, not red`);
  await github.comment(REPOSITORY, 2, `/preview trust ${head}`);
  timeline.say(`octocat reads the change, and comments: /preview trust ${head.slice(0, 7)}…`);
  await inState(input, "pr-2", "LIVE");
  timeline.say("its preview is ready");
  return [
    { what: "pr-2: check before it was trusted", expected: "neutral", found: String(conclusion) },
    { what: "pr-2: stacks before it was trusted", expected: "pr-1", found: stacks.join(", ") },
  ];
}

/** Plays a push that replaces a resource, which waits for a person. */
async function approveReplacement(input: StoryInput): Promise<readonly Check[]> {
  const { github, timeline, waiting, yard, reviewer, folder } = input;
  await said(waiting, github, 1, "is ready");
  timeline.say(`the comment on pull request 1: ${toHeading(github, 1)}`);
  await github.push(REPOSITORY, 1, toCommit("c"));
  timeline.say("pull request 1 gets a commit that replaces the application");
  await inState(input, "pr-1", "REVIEW");
  const asked = await waiting.until("the approval of pr-1", async () => (await yard.approvals.list()).items[0]);
  await said(waiting, github, 1, "waits for approval");
  timeline.say(`the comment: ${toHeading(github, 1)}`);
  await reviewer.approve(asked.id, asked.of);
  timeline.say("a reviewer reads the plan and approves it");
  await inState(input, "pr-1", "LIVE");
  timeline.say("exactly this plan was applied");
  const { items } = await yard.stacks.history("pr-1");
  const answers = items.filter(({ event, outcome }) => event === "APPROVE_TASK" && outcome === "applied");
  const files = await listFiles(folder, "pr-1");
  return [
    { what: "pr-1: approvals of the replacement", expected: "1", found: String(answers.length) },
    { what: "pr-1: files after the replacement", expected: "pr-1-ccccccc", found: files.join(", ") },
  ];
}

/** Plays a full quota: there are two places, and both are taken. */
async function waitForPlace(input: StoryInput): Promise<readonly Check[]> {
  const { github, timeline, waiting, yard } = input;
  await github.openPull(REPOSITORY, { title: "Redesign", head: toCommit("d") });
  timeline.say("pull request 3 is opened; there are two places");
  await inState(input, "pr-3", "PLAN");
  const reason = await waiting.until("the reason of pr-3", async () => {
    const { tasks } = await yard.stacks.get("pr-3");
    const slot = tasks.find(({ name }) => name === "slot");
    return /The quota .* in use by .*/.exec(slot?.why ?? "")?.[0];
  });
  timeline.say(`it waits: ${reason}`);
  const [, holders = "nothing"] = /in use by (.*?)\. /.exec(reason) ?? [];
  return [{ what: "pr-3: waited for", expected: "pr-1, pr-2", found: holders }];
}

/** Plays a close that no delivery reports, which is found at the next start. */
async function loseClose(input: StoryInput): Promise<readonly Check[]> {
  const { github, plane, timeline, previews } = input;
  const { settings } = github;
  settings.deliveryFault = "vanish";
  await github.closePull(REPOSITORY, 1);
  settings.deliveryFault = undefined;
  const before = await previews.get("pr-1");
  timeline.say(`pull request 1 is closed, and the delivery gets lost: its preview is still ${before.state}`);
  await plane.kill();
  timeline.warn("kill -9: the server and what it runs");
  await isRemoved(input, "pr-1");
  timeline.say("at its start the server has compared pull requests with stacks, and removed the preview of 1");
  await inState(input, "pr-3", "LIVE");
  timeline.say("so pull request 3 has its place; its preview is ready");
  return [{ what: "pr-1: state after the lost close", expected: "LIVE", found: String(before.state) }];
}

/** Commands in comments put a preview to sleep, and wake it. */
async function sleepAndWake(input: StoryInput): Promise<readonly Check[]> {
  const { github, timeline, waiting, folder } = input;
  await github.comment(REPOSITORY, 2, "/preview sleep");
  await inState(input, "pr-2", "ASLEEP");
  const asleep = await waiting.until("the removal of the files of pr-2", async () => {
    const files = await listFiles(folder, "pr-2");
    return files.length === 0 ? files : undefined;
  });
  await said(waiting, github, 2, "is asleep");
  await github.comment(REPOSITORY, 2, "/preview wake");
  await inState(input, "pr-2", "LIVE");
  timeline.say(
    "octocat comments /preview sleep on pull request 2, the comment says so, and /preview wake makes the preview ready again",
  );
  return [{ what: "pr-2: files while it was asleep", expected: "nothing", found: asleep.join(", ") || "nothing" }];
}

/** Plays drift: a manual change is found and repaired. */
async function repairDrift(input: StoryInput): Promise<readonly Check[]> {
  const { github, timeline, waiting, folder, yard, previews, reviewer } = input;
  for (const name of await listFiles(folder, "pr-3")) await rm(join(folder, name));
  timeline.say("a person deletes the file of pull request 3 by hand, and checks the preview");
  await yard.publish({ stackId: "pr-3", event: "CHECK" });
  const drifted = (found: boolean) =>
    waiting.until(`drifted: ${found} of pr-3`, async () => {
      const preview = await previews.get("pr-3");
      return preview.state === "LIVE" && preview.drifted === found ? preview : undefined;
    });
  await drifted(true);
  await github.comment(REPOSITORY, 3, "/preview retry");
  // What has vanished may have been deleted on purpose: a plan that makes it again is for a reviewer.
  const asked = await waiting.until("the approval of pr-3", async () => (await yard.approvals.list()).items[0]);
  await reviewer.approve(asked.id, asked.of);
  await drifted(false);
  timeline.say("the check has found it; /preview retry, and a reviewer's approval, have made the file again");
  const files = await listFiles(folder, "pr-3");
  return [{ what: "pr-3: files after the repair", expected: "pr-3-ddddddd", found: files.join(", ") }];
}

/** Closes the others; their reports become correct, although GitHub is down for a while. */
async function closeRest(input: StoryInput): Promise<readonly Check[]> {
  const { github, timeline, waiting, account } = input;
  const bucket = account.addBucket("pr-3-uploads", "pr-3");
  timeline.say("pull request 3 has created a bucket that Terraform does not know of, with the tags of its preview");
  let refused = 0;
  github.settings.requestFault = (method, path) => {
    if (method === "GET" || !path.includes("/comments")) return undefined;
    refused += 1;
    return { status: 503 };
  };
  await github.closePull(REPOSITORY, 2);
  await github.closePull(REPOSITORY, 3);
  timeline.say("pull requests 2 and 3 are closed");
  await isRemoved(input, "pr-2");
  timeline.say("the preview of 2 is removed; comments follow when the lease of the killed server has ended");
  await inState(input, "pr-3", "LEAKED");
  timeline.say("the preview of 3 is not: its leak check has found the bucket");
  await waiting.until("a comment that GitHub refuses", () => refused > 0 || undefined);
  github.settings.requestFault = undefined;
  timeline.say("GitHub answers the first comments with 503, then works again");
  const leak = await removeLeak(input, bucket);
  for (const number of [1, 2, 3]) await said(waiting, github, number, "has ended");
  await waiting.until("the end of all deployments", () => github.reports.deployments.every(isOver) || undefined);
  timeline.say("every comment says that its preview has ended");
  const wasRefused = refused > 0 ? "yes" : "no";
  return [{ what: "comments that GitHub refused with 503", expected: "yes", found: wasRefused }, ...leak];
}

/** Removes a leak: the pull request names it, a person removes it, and lets the preview end. */
async function removeLeak(input: StoryInput, bucket: string): Promise<readonly Check[]> {
  const { github, timeline, waiting, account } = input;
  await said(waiting, github, 3, "has failed");
  const text = findComments(github, 3)
    .map(({ body }) => body)
    .join("\n");
  const named = [/with `(\w+)`/.exec(text)?.[1], /arn:aws:s3:::[\w-]+/.exec(text)?.[0]];
  const state = await waiting.until("the deployment of pr-3", () => {
    const own = github.reports.deployments.findLast(({ set }) => JSON.stringify(set["payload"]).includes('"pr-3"'));
    const last = own?.statuses.at(-1)?.["state"];
    return last === "success" ? undefined : last;
  });
  account.remove(bucket);
  await github.comment(REPOSITORY, 3, "/preview down");
  timeline.say(`its comment names ${named.join(" and ")}; octocat deletes the bucket, and comments /preview down`);
  await isRemoved(input, "pr-3");
  timeline.say("nothing is left, so the preview of 3 is removed");
  return [
    { what: "pr-3: what its comment named", expected: `LEFT_BEHIND, ${bucket}`, found: named.join(", ") },
    { what: "pr-3: deployment while it was left", expected: "failure", found: String(state) },
  ];
}

function isOver({ statuses }: HostSim["reports"]["deployments"][number]): boolean {
  return statuses.at(-1)?.["state"] === "inactive";
}

function inState({ waiting, previews }: StoryInput, stackId: string, state: string) {
  return waiting.until(`${stackId} in ${state}`, async () => {
    const { items } = await previews.list();
    return items.find((preview) => preview.stackId === stackId && preview.state === state);
  });
}

async function isRemoved({ waiting, yard }: StoryInput, stackId: string): Promise<void> {
  await waiting.until(
    `the removal of ${stackId}`,
    async () => !(await listStacks(yard)).includes(stackId) || undefined,
  );
}

async function listFiles(folder: string, stackId: string): Promise<readonly string[]> {
  return (await readdir(folder)).filter((name) => name.startsWith(`${stackId}-`));
}

async function listStacks(yard: Stackyard): Promise<readonly string[]> {
  return (await yard.stacks.list()).items.map(({ id }) => id);
}

async function said(waiting: Waiting, github: HostSim, number: number, text: string): Promise<void> {
  await waiting.until(
    `"${text}" in the comment on pull request ${number}`,
    () => findComments(github, number).some(({ body }) => body.includes(text)) || undefined,
  );
}

/** Returns the App's own comments on a pull request. */
export function findComments({ reports }: HostSim, number: number) {
  return reports.comments.filter((comment) => comment.number === number && comment.appId !== undefined);
}

/** Returns the first visible line. */
function toHeading(github: HostSim, number: number): string {
  const [comment] = findComments(github, number);
  return (
    (comment?.body ?? "")
      .split("\n")
      .find((line) => line.startsWith("####"))
      ?.slice(5) ?? ""
  );
}
