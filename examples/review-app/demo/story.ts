import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { HistoryEntry, NewEvent, PublishedEvent, Stackyard } from "@stackyard/sdk";
import type { Expectation } from "./checks.ts";
import type { TaskReport } from "./control-plane.ts";
import type { Feed } from "./feed.ts";
import type { ReviewApp } from "./review-app-events.ts";
import { waitForRollOut } from "./roll-out.ts";
import { settleUnsaved } from "./settle-unsaved.ts";
import type { Timeline } from "./timeline.ts";

export interface StoryInput {
  readonly yard: Stackyard<ReviewApp>;
  readonly timeline: Timeline;
  /** Where environments are made. */
  readonly folder: string;
  readonly machine: string;
  /** Aborted when no more progress is possible. */
  readonly signal: AbortSignal;
  readonly history: Feed<HistoryEntry>;
  readonly reports: Feed<TaskReport>;
  /** Kills the control plane and all that it runs by `kill -9`. */
  killEverything(): Promise<void>;
}

/** An event that was sent. */
export interface Sent {
  readonly name: string;
  readonly event: PublishedEvent;
}

/** The events that were sent, and the expected state at the end. */
export interface Told {
  readonly sent: readonly Sent[];
  readonly expectations: readonly Expectation[];
}

type Publish = (event: NewEvent<ReviewApp["document"]["events"][number]>) => Promise<PublishedEvent>;

/** Long enough for the kill to happen in the middle of the work. */
const ROLL_OUT_SECONDS = 3;
/** The timeout of each wait; a step takes some seconds, after the lease of a dead process has expired. */
export const WAIT_MS = 60_000;

/** Opens, pushes twice, merges, retries what has failed, and kills the control plane halfway. */
export async function playStory(input: StoryInput): Promise<Told> {
  const { signal, timeline, yard } = input;
  const sent: Sent[] = [];
  const publish: Publish = async (event) => {
    const accepted = await yard.publish(event, { signal });
    sent.push({ name: `${event.stackId} ${event.event}`, event: accepted });
    return accepted;
  };
  const wait = { timeoutMs: WAIT_MS, signal };

  await openWithFailure(input, publish);
  const second = await pushTwice(input, publish);
  await input.killEverything();
  await printAttempts(input, ["pr-12", "pr-7"]);
  await yard.waitForOutcome(second, wait);
  await Promise.all([yard.waitForState("pr-12", "LIVE", wait), yard.waitForState("pr-7", "LIVE", wait)]);
  await settleUnsaved(input);

  timeline.say("pull request 12 is merged: its environment goes, that of 7 stays");
  await publish({ stackId: "pr-12", event: "MERGED" });
  await yard.waitForRemoval("pr-12", wait);
  await settleUnsaved(input);
  const expectations = [
    { stackId: "pr-7", sha: "77aa" },
    { stackId: "pr-12", sha: undefined },
  ];
  return { sent, expectations };
}

async function openWithFailure(input: StoryInput, publish: Publish): Promise<void> {
  const { folder, history, machine, signal, timeline, yard } = input;
  const noRoom = join(folder, "no-room");
  await mkdir(folder, { recursive: true });
  await writeFile(noRoom, "");
  timeline.say("pull request 12 is opened, while the database server has no capacity");
  await Promise.all([
    history.next(
      "the database of pr-12 had failed",
      ({ event, task }) => event === "TASK_ERROR" && task === "database",
    ),
    publish({ stackId: "pr-12", event: "OPENED", machine, metadata: { sha: "9f1c", folder } }),
  ]);
  timeline.say("an operator makes room and retries the failed task");
  await rm(noRoom);
  await yard.stacks.retry("pr-12", { task: "database", reason: "room was made", signal });
  await yard.waitForState("pr-12", "LIVE", { timeoutMs: WAIT_MS, signal });
}

/** Ends in the middle of the first roll-out, with the second push and another stack waiting. */
async function pushTwice(
  { folder, history, machine, reports, signal, timeline }: StoryInput,
  publish: Publish,
): Promise<PublishedEvent> {
  timeline.say("two pushes, one right after the other: the second has to wait until the first is live");
  const push = async () => {
    await publish({ stackId: "pr-12", event: "PUSHED", metadata: { sha: "4be2", seconds: ROLL_OUT_SECONDS } });
    const second = await publish({ stackId: "pr-12", event: "PUSHED", metadata: { sha: "c0de", seconds: 1 } });
    await publish({ stackId: "pr-7", event: "OPENED", machine, metadata: { sha: "77aa", folder } });
    return second;
  };
  const working = waitForRollOut({ history, reports }, { stackId: "pr-12", sha: "4be2" });
  const [second] = await Promise.all([push(), working]);
  await setTimeout(1_000, undefined, { signal });
  return second;
}

/** Prints the attempts that the dead process keeps, with their Terraform locks, until their leases expire. */
async function printAttempts({ signal, timeline, yard }: StoryInput, stackIds: readonly string[]): Promise<void> {
  for (const stackId of stackIds) {
    const attempts = await yard.stacks.attempts(stackId, { signal });
    for (const { attempt, leaseUntil, status, task } of attempts) {
      if (status !== "running" || leaseUntil === undefined) continue;
      const seconds = Math.max(0, (Date.parse(leaseUntil) - Date.now()) / 1_000).toFixed(1);
      timeline.say(
        `${stackId}: attempt ${attempt} of ${task} belongs to the dead process for ${seconds} s, then continues here`,
      );
    }
  }
}
