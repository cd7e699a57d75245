import type { ResourceAnswer } from "@stackyard/aws-sim";
import { isMap } from "@stackyard/core";
import type { LifeInvariant } from "@stackyard/core/testing";
import { type LivingResource, listTasksOf } from "./a-resource-life.ts";

type SimTask = ReturnType<typeof listTasksOf>[number];

const isAlive = ({ lastStatus }: SimTask) => lastStatus !== "STOPPED";

/** Judges an answer by what ECS has at the instant at which it is given. */
export function hearAnswer(life: LivingResource, answer: ResourceAnswer): void {
  const request = life.world.life.requests.find(({ RequestId }) => RequestId === answer.RequestId);
  if (request === undefined) return;
  if (request.RequestType === "Delete") hearDelete(life, answer);
  else hearRun(life, answer, request.ResourceProperties);
}

/** Judges what runs at a look: a run that is waited for is alone within a minute, because it ends the one before it. */
export function hearTasks(life: LivingResource): void {
  const waited = life.world.life.requests.filter(({ ResourceProperties }) => ResourceProperties["Timeout"] !== "0");
  const alive = listTasksOf(life, life.world.life).filter(isAlive);
  const runs = waited.filter(({ RequestId }) => alive.some((task) => isOf(life, task, RequestId)));
  if (runs.length > 1 && life.wereTwo) note(life, "newest", "two runs of the resource go on beside each other");
  life.wereTwo = runs.length > 1;
}

function hearDelete(life: LivingResource, { Status, Reason = "", PhysicalResourceId }: ResourceAnswer): void {
  const own = listTasksOf(life, life.world.life);
  // With tasks' ARNs as ids, a Delete is for the tasks of its id alone.
  const isForAll = life.mode === "id" && PhysicalResourceId === own[0]?.startedBy;
  if (isForAll && Status === "SUCCESS" && !Reason.includes("Warning") && own.some(isAlive))
    note(life, "said", "the tasks are said to be stopped, and one runs");
}

function hearRun(life: LivingResource, answer: ResourceAnswer, properties: Readonly<Record<string, unknown>>): void {
  const tasks = listTasksOf(life, life.world.life).filter((task) => isOf(life, task, answer.RequestId));
  const { Count = "1", Timeout = "3600", Instances } = properties;
  const count = Array.isArray(Instances) ? Instances.length : Number(Count);
  const isDone = tasks.length === count && (Timeout === "0" || tasks.every(hasSucceeded));
  const wrong = findWrong(answer, { isDone: isDone && count > 0, hasRun: tasks.length > 0 });
  if (wrong !== undefined) note(life, "said", wrong);
}

function findWrong(
  { Status, Reason = "", Data = {} }: ResourceAnswer,
  { isDone, hasRun }: { readonly isDone: boolean; readonly hasRun: boolean },
): string | undefined {
  if (Status === "FAILED") {
    const isWrong = isDone && !Reason.includes("It is unknown");
    return isWrong ? "the tasks are said to have failed, and they have succeeded" : undefined;
  }
  if (Data["Why"] === "RUN") return isDone ? undefined : "the tasks are said to have succeeded, and they have not";
  return hasRun ? "nothing is said to run, and a task has run" : undefined;
}

function isOf({ world: { sim } }: LivingResource, { taskArn = "" }: SimTask, requestId: string): boolean {
  return sim.ecs.firstTagsOf(taskArn).some(({ key, value }) => key === "stackyard:request" && value === requestId);
}

function hasSucceeded(task: SimTask): boolean {
  const { containers = [] } = task;
  const codes = containers.map((container) => (isMap(container) ? container["exitCode"] : undefined));
  return !isAlive(task) && codes.length > 0 && codes.every((code) => code === 0);
}

/** Judges the end: nothing of a resource that was deleted runs, the neighbor's task does, and a way back leads back. */
export function judgeEnd(life: LivingResource, fair: Map<string, string>): string {
  const { steps, acts, world, neighbor } = life;
  const left = listTasksOf(life, world.life).filter(isAlive);
  const last = steps.at(-1);
  if (last?.status === "DELETE_COMPLETE" && left.length > 0)
    note(life, "newest", "the resource is deleted, and a task of it runs");
  if (!listTasksOf(life, neighbor).every(isAlive)) note(life, "newest", "the task of another resource was ended");
  const ends = steps.map(({ status }) => status);
  if (acts.size === 0) fair.set("ends", ends.join());
  const expected = fair.get("ends")?.split(",").slice(life.stepsBefore).join();
  const after = `${ends.slice(life.stepsBefore).join()}, ${left.length} left`;
  if (acts.has("back") && after !== `${expected}, 0 left`) note(life, "back", `after the way back ${after}`);
  return steps.map(({ status, reason = "" }) => `${status} ${reason}`.trim()).join("; ");
}

function note({ untrue }: LivingResource, invariant: LifeInvariant, sentence: string): void {
  if (untrue.every((each) => each.sentence !== sentence)) untrue.push({ invariant, sentence });
}
