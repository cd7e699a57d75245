import { toErrorText } from "../errors/error-text.ts";
import { shortHashOf } from "../machine/decide/open-runs.ts";
import type { ExecutorDefinition } from "../machine/executor-definition.ts";
import type { TaskMessage } from "../machine/message/task-message.ts";
import { parseRunMachine, RUN_MACHINE, runMachineSource, runStackId } from "../machine/run-machine.ts";
import type { Revision } from "../ports/locator.ts";
import type { QueuedEvent } from "../ports/stack-store.ts";
import { failed } from "../ports/steps.ts";
import type { FinalStep } from "./result-event.ts";

/** What a run is started with. */
export interface RunInput {
  readonly executor: ExecutorDefinition;
  readonly config: Readonly<Record<string, unknown>>;
  readonly target?: Readonly<Record<string, unknown>>;
  readonly timeoutMs?: number;
}

/**
 * What names a run: the caller's own key, at most 255 characters, so that a repeat finds the same run; else a fresh ULID.
 * It is the event's id.
 */
export type RunName = { readonly key: string } | { readonly ulid: string };

/** A run that can be started once its revision is kept. */
export interface PreparedRun {
  readonly key: string;
  readonly stackId: string;
  readonly revision: Revision;
}

/** A run's id and its own revision of the machine. Pure. Throws `PAYLOAD_TOO_LARGE`. */
export function prepareRun({ executor, config, target, timeoutMs, ...name }: RunInput & RunName): PreparedRun {
  const source = runMachineSource({
    executor: executor.name,
    config,
    definition: executor,
    ...(target === undefined ? {} : { target }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  const machine = parseRunMachine(source);
  if (machine === undefined) throw new TypeError("The config of the run is no JSON object, or its time-out no length.");
  const key = "key" in name ? name.key : name.ulid;
  return { key, stackId: runStackId(name), revision: { name: RUN_MACHINE, hash: machine.hash, source } };
}

/** The event that starts a run whose revision is kept. */
export function toRunEvent({ key, stackId, revision }: PreparedRun, now: number): QueuedEvent {
  const message = { id: key, event: "START", stackId, machine: RUN_MACHINE, revision: revision.hash };
  return { id: key, stackId, origin: "external", receivedAt: now, message };
}

/** The follow-up run that a succeeded step asks for; a step that asks for an impossible one has failed. */
export function toFollowUpRun(
  executor: ExecutorDefinition | undefined,
  message: TaskMessage,
  step: FinalStep,
): { readonly step: FinalStep; readonly run?: PreparedRun & { readonly inMs: number } } {
  if (step.kind !== "succeeded" || step.followUp === undefined || executor === undefined) return { step };
  const { inMs, config } = step.followUp;
  const target = message.task["target"];
  // An attempt's id may be longer than an event's.
  const key = `follow-up:${shortHashOf(message.dispatch.id)}`;
  try {
    const aimed = typeof target === "object" && target !== null ? { target: { ...target } } : {};
    return { step, run: { ...prepareRun({ executor, config, key, ...aimed }), inMs } };
  } catch (error) {
    const reason = `The work was done, but the run that shall follow it cannot be made: ${toErrorText(error)}`;
    return { step: failed({ code: "OUTPUT_INVALID", message: reason, retryable: false }) };
  }
}
