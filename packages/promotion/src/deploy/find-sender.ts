import type { Failed } from "@stackyard/core";
import type { DeployDeps } from "./deploy-deps.ts";
import { loadSendJob } from "./load-send-job.ts";
import { loadLostSends, type SentRows } from "./lost-tasks.ts";
import { listDeployStates } from "./rows.ts";
import { selectStacks } from "./select-stacks.ts";

type SenderDeps = Pick<DeployDeps, "ctx" | "owner" | "yard" | "release">;

/** Where a task has sent: by the task of this name, or by one that the machine does not have any more. */
interface Sender {
  readonly task: string;
  /** Sent by other such tasks: they may be of another environment. */
  readonly lost: readonly SentRows[];
}

/** Returns under which name a task has sent: its own, or the last one that it had before. */
export async function findSender(deps: SenderDeps, of: string): Promise<Sender | Failed> {
  const states = await listDeployStates(deps.ctx, deps.owner);
  const isOwn = states.some(({ op, firstSentAt, release }) => {
    return op === "send" && firstSentAt !== undefined && release.task === of;
  });
  const lost = await loadLostSends(deps);
  if (isOwn || lost.length === 0) return { task: of, lost };
  const stacks = await loadTargets(deps, of);
  if ("kind" in stacks) return stacks;
  // What was taken back already does not count: where several tasks are one now, each undo takes back what one has sent.
  const former = lost.findLast(({ rows }) => rows.some(({ stack, state }) => stacks.has(stack) && state !== "undone"));
  if (former === undefined) return { task: of, lost };
  return { task: former.state.release.task, lost: lost.filter((each) => each !== former) };
}

/** Loads the stacks that a task would send to: a task with another name that has sent to none of them was not the same. */
async function loadTargets({ yard, release }: SenderDeps, task: string): Promise<ReadonlySet<string> | Failed> {
  const job = await loadSendJob(yard, task);
  if (!("op" in job)) return job;
  const { selected } = await selectStacks(yard, job, { machine: release.machine, task });
  return new Set(selected.map(({ stack }) => stack));
}
