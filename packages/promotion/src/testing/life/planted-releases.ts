import type { Executor } from "@stackyard/core";
import { parseAttemptId } from "@stackyard/core/machine";
import { plantBug } from "../plant-bug.ts";
import { BY_HAND } from "./release-changes.ts";

// Executors of releases that infer what the present one reads from deeds, rows and stacks.

/** A value that is there counts as work that is done: no deed of a stack is known. */
export function withoutDeeds(executor: Executor): Executor {
  return plantBug(executor, (_, yard) => ({
    yard: {
      async load(stackIds) {
        const loaded = await yard.load(stackIds);
        return loaded.map((each) => {
          if (each.stack === undefined) return each;
          const { deed, deeds, ...stack } = each.stack;
          return { ...each, stack };
        });
      },
    },
  }));
}

/** A task has sent what was sent under its present name. */
export function withoutFormerNames(executor: Executor): Executor {
  return plantBug(executor, ({ records }) => ({
    records: { ...records, list: async () => ({ items: [] }) },
  }));
}

/** A stack is restored with all keys, or not at all. */
export function withoutNewKeys(executor: Executor): Executor {
  return plantBug(executor, (_, yard) => ({
    yard: {
      async send(events) {
        const isWhole = events.every(({ metadata }) => Object.values(metadata).every((value) => value !== null));
        if (isWhole) return yard.send(events);
        return events.map(() => ({ kind: "refused", code: "NO_PREVIOUS", reason: "A key had no value before." }));
      },
    },
  }));
}

/** One key of a stack that another has set makes the whole stack another's. */
export function withForeignStacks(executor: Executor): Executor {
  return plantBug(executor, (_, yard) => ({
    yard: {
      async load(stackIds) {
        const loaded = await yard.load(stackIds);
        return loaded.map((each) => {
          if (each.stack === undefined || each.stack.metadata["web"] !== BY_HAND) return each;
          return { ...each, stack: { ...each.stack, releases: {} } };
        });
      },
    },
  }));
}

/** A retry forgets when the wave before has ended. */
export function withoutPauses(executor: Executor): Executor {
  return plantBug(executor, ({ attempt, records }) => ({
    records: {
      ...records,
      async get(key, now) {
        const record = await records.get(key, now);
        const state: unknown = record?.value;
        if (record === undefined || !isState(state) || state.attempt === parseAttemptId(attempt.id)?.attempt)
          return record;
        const { waveEndedAt, pauses, ...others } = state;
        return { ...record, value: others };
      },
    },
  }));
}

function isState(value: unknown): value is Readonly<Record<"attempt" | "waveEndedAt" | "pauses", unknown>> {
  return typeof value === "object" && value !== null && "attempt" in value && "tallies" in value;
}
