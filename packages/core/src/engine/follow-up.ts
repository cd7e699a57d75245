import { parseRunMachine, RUN_MACHINE, runMachineSource, runStackId } from "../machine/run-machine.ts";
import type { TaskMessage } from "../machine/task-message.ts";
import type { SettleInput } from "../ports/attempt-store.ts";
import type { Executor, Step } from "../ports/executor.ts";
import type { Revisions } from "../ports/store.ts";

type FollowUps = NonNullable<SettleInput["followUps"]>;

/** What a run is started with. */
export interface RunInput {
  readonly executor: Executor;
  readonly config: Readonly<Record<string, unknown>>;
  readonly target?: Readonly<Record<string, unknown>>;
  readonly timeoutMs?: number;
  /** The caller's own key: a repeat finds the same run. It is the event's id. */
  readonly key: string;
}

/** Keeps the run's revision and gives the event that starts it. */
export async function prepareRun(
  revisions: Revisions,
  input: RunInput,
  now: number,
): Promise<FollowUps[number]["event"]> {
  const { executor, config, target, timeoutMs, key } = input;
  const source = runMachineSource({
    executor: executor.name,
    config,
    definition: executor,
    ...(target === undefined ? {} : { target }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  const machine = parseRunMachine(source);
  if (machine === undefined) throw new TypeError("The source of a run does not parse.");
  await revisions.put({ name: RUN_MACHINE, hash: machine.hash, source });
  const stackId = runStackId({ key });
  const message = { id: key, event: "START", stackId, machine: RUN_MACHINE, revision: machine.hash };
  return { id: key, stackId, origin: "external", receivedAt: now, message };
}

/** The follow-up run that a succeeded step asks for, as an event that is due later. */
export async function toFollowUps(
  revisions: Revisions,
  input: {
    readonly executor: Executor | undefined;
    readonly message: TaskMessage;
    readonly step: Step;
    readonly now: number;
  },
): Promise<FollowUps> {
  const { executor, message, step, now } = input;
  if (step.kind !== "succeeded" || step.followUp === undefined || executor === undefined) return [];
  const target = message.task["target"];
  const event = await prepareRun(
    revisions,
    {
      executor,
      config: step.followUp.config,
      key: `follow-up:${message.dispatch.id}`,
      ...(typeof target === "object" && target !== null ? { target: { ...target } } : {}),
    },
    now,
  );
  return [{ event, notBefore: now + step.followUp.inMs }];
}
