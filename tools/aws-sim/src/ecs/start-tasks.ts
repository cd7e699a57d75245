import { createHash } from "node:crypto";
import { allows } from "../identities.ts";
import { findText, type SimCall, textOf } from "../sim-call.ts";
import { checkOrder } from "./check-order.ts";
import { openCluster } from "./clusters.ts";
import { findDefinition } from "./definitions.ts";
import { ecsFaults as faults } from "./ecs-faults.ts";
import type { Cluster, Definition, EcsState, Refusal, SimTask, Tag } from "./ecs-state.ts";
import { type Placement, placeOnInstances, placeTasks, type Seat } from "./place-tasks.ts";
import { findScript } from "./scripts.ts";
import { toTask } from "./to-task.ts";

/**
 * RunTask. The same client token with the same request answers with the tasks of the first, with another request
 * ConflictException. Source: API reference, "RunTask"; "Ensuring idempotency".
 */
export function runTask(state: EcsState, call: SimCall): unknown {
  const cluster = openCluster(state, call);
  const token = findText(call.input, "clientToken");
  const key = [cluster.arn, token].join(" ");
  const fingerprint = toFingerprint(call.input);
  const used = token === undefined ? undefined : state.tokens.get(key);
  if (used !== undefined && used.fingerprint !== fingerprint) throw faults.conflict(used.tasks.map(({ arn }) => arn));
  if (used !== undefined) return toAnswer(used.tasks, [], call.now);
  const answer = startTasks(state, withDefaultStrategy(call, cluster), cluster, placeTasks);
  if (token !== undefined && answer.tasks.length > 0) state.tokens.set(key, { fingerprint, tasks: answer.tasks });
  return toAnswer(answer.tasks, answer.failures, call.now);
}

/** StartTask: on named instances, without a client token. */
export function startTask(state: EcsState, call: SimCall): unknown {
  const { tasks, failures } = startTasks(state, call, openCluster(state, call), placeOnInstances);
  return toAnswer(tasks, failures, call.now);
}

function startTasks(
  state: EcsState,
  call: SimCall,
  cluster: Cluster,
  place: typeof placeTasks,
): { readonly tasks: readonly SimTask[]; readonly failures: Placement["failures"] } {
  const definition = findDefinition(state, textOf(call.input, "taskDefinition"), call);
  if (definition === undefined) throw faults.client("TaskDefinition not found.");
  checkOrder(call, definition);
  checkPermissions(call, definition);
  const { seats, failures } = refuse(state, place({ state, call, cluster, definition }));
  const tasks = seats.map((seat) => beginTask(state, call, { cluster, definition, seat }));
  return { tasks, failures };
}

/** Placement as a test wants it. */
function refuse({ refusals }: EcsState, placed: Placement): Placement {
  const [refusal] = refusals;
  if (refusal === undefined) return placed;
  const { calls = 1, tasks = placed.seats.length } = refusal;
  if (calls <= 1) refusals.shift();
  else refusals[0] = { ...refusal, calls: calls - 1 };
  const kept = Math.max(0, placed.seats.length - tasks);
  const failures = refusal.isSilent ? [] : placed.seats.slice(kept).map((seat) => toFailure(refusal, seat));
  return { seats: placed.seats.slice(0, kept), failures: [...placed.failures, ...failures] };
}

function toFailure({ reason, detail, arn }: Refusal, { instance }: Seat): Placement["failures"][number] {
  const of = arn ?? instance?.arn;
  return { ...(of && { arn: of }), reason, ...(detail && { detail }) };
}

function beginTask(
  state: EcsState,
  { input, now }: SimCall,
  { cluster, definition, seat }: { readonly cluster: Cluster; readonly definition: Definition; readonly seat: Seat },
): SimTask {
  const id = createHash("md5").update(`${cluster.arn} ${state.tasks.length}`).digest("hex");
  const script = findScript(state, definition);
  const propagated = input["propagateTags"] === "TASK_DEFINITION" ? (definition.tags ?? []) : [];
  const tags = mergeTags(propagated, Array.isArray(input["tags"]) ? input["tags"] : []);
  const task: SimTask = {
    id,
    arn: `${cluster.arn.replace(/:cluster\//, ":task/")}/${id}`,
    cluster,
    definition,
    createdAt: now,
    input,
    launchType: seat.capacityProvider === undefined ? seat.launchType : undefined,
    capacityProvider: seat.capacityProvider,
    instance: seat.instance,
    stop: undefined,
    script:
      seat.scaleOutMs === undefined
        ? script
        : { ...script, stagesMs: { PROVISIONING: seat.scaleOutMs, ...script.stagesMs } },
    tags,
    firstTags: tags,
  };
  state.tasks.push(task);
  state.onStart(task);
  return task;
}

/** What is given wins over what is propagated. */
function mergeTags(propagated: readonly Tag[], given: readonly Tag[]): readonly Tag[] {
  return [...propagated.filter(({ key }) => !given.some((each) => each.key === key)), ...given];
}

/**
 * Tags on creation need `ecs:TagResource`, roles need `iam:PassRole` (developer guide, "Grant permission to tag resources
 * on creation", "Amazon ECS task execution IAM role").
 */
function checkPermissions({ identity, input }: SimCall, definition: Definition): void {
  const overrides = Object(input["overrides"]);
  const roles = [
    overrides.taskRoleArn ?? definition.taskRoleArn,
    overrides.executionRoleArn ?? definition.executionRoleArn,
  ];
  if (Array.isArray(input["tags"]) && input["tags"].length > 0 && !allows(identity.allow, "ecs:TagResource")) {
    throw faults.denied(identity.arn, "ecs:TagResource");
  }
  const passed = roles.find((role) => role !== undefined);
  if (passed !== undefined && !allows(identity.allow, "iam:PassRole")) {
    throw faults.denied(identity.arn, `iam:PassRole on resource: ${passed}`);
  }
}

/** "RunTask", `launchType`: without it and without a strategy, the cluster's default strategy is used. */
function withDefaultStrategy(call: SimCall, { defaultStrategy }: Cluster): SimCall {
  const { launchType, capacityProviderStrategy } = call.input;
  if (defaultStrategy === undefined || launchType !== undefined || capacityProviderStrategy !== undefined) return call;
  return { ...call, input: { ...call.input, capacityProviderStrategy: defaultStrategy } };
}

function toAnswer(tasks: readonly SimTask[], failures: Placement["failures"], now: number): unknown {
  return { tasks: tasks.map((task) => toTask(task, now, { withTags: true })), failures };
}

/** The request in one order of its fields. */
function toFingerprint(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => {
    if (typeof each !== "object" || each === null || Array.isArray(each)) return each;
    return Object.fromEntries(Object.entries(each).sort(([one], [other]) => (one < other ? -1 : 1)));
  });
}
