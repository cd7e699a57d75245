import { decide, followDecision } from "../machine/decide/decide.ts";
import type { Decision } from "../machine/decide/decision.ts";
import { type StackEvent, SYSTEM_EVENTS } from "../machine/event-message.ts";
import type { Machine } from "../machine/machine.ts";
import type { Stack } from "../machine/stack.ts";
import { type ReplayedEvent, type StepDifference, toOutcome } from "./simulation-line.ts";

/** The events of each stack's present life, to be worked again on another revision. */
export interface Replays {
  keep(event: KeptEvent): void;
  /** Where the events of a stack would have done something else on a machine. */
  compare(stackId: string, machine: Machine): readonly StepDifference[];
}

/** An event that was worked. */
export interface KeptEvent {
  readonly step: number;
  readonly event: StackEvent;
  readonly did: ReplayedEvent;
  /** It has begun a life. */
  readonly isBegin: boolean;
}

/** A store of events, empty. */
export function createReplays(): Replays {
  const lives = new Map<string, KeptEvent[]>();
  return {
    keep(kept) {
      const { stackId } = kept.event;
      const life = kept.isBegin ? [] : (lives.get(stackId) ?? []);
      life.push(kept);
      lives.set(stackId, life);
    },
    compare: (stackId, machine) => compareLife(lives.get(stackId) ?? [], machine),
  };
}

function compareLife(life: readonly KeptEvent[], machine: Machine): readonly StepDifference[] {
  let stack: Stack | undefined;
  const differences: StepDifference[] = [];
  for (const { step, event, did: before } of life) {
    // Moves between revisions are what is being tried; they are no events of the machine.
    if (event.name === SYSTEM_EVENTS.upgradeStack) continue;
    const again = decide(machine, stack, stack === undefined ? { ...event, machine: machine.name } : event);
    stack = followDecision(stack, again);
    const after = toReplayed(again, stack);
    if (JSON.stringify(before) !== JSON.stringify(after)) differences.push({ step, event: event.name, before, after });
  }
  return differences;
}

/** What a decision did, with the stack after it. */
export function toReplayed(decision: Decision, stack: Stack | undefined): ReplayedEvent {
  const { outcome, code } = toOutcome(decision);
  const dispatched = decision.kind === "applied" ? decision.dispatches.map(({ task }) => task) : [];
  return { outcome, ...(code !== undefined && { code }), state: stack?.state ?? null, dispatched };
}
