import { attemptLater } from "./attempt-later.ts";
import { ATTEMPTS, type AttemptRow } from "./attempt-row.ts";
import { finishEnd } from "./end-attempt.ts";
import { settleKey } from "./exclusive-key.ts";
import { findDueKeys } from "./find-due-keys.ts";
import { inParallel } from "./in-parallel.ts";
import { loadRowAt, mutateRow } from "./mutate-row.ts";
import { finishRedrive } from "./redrive.ts";
import type { SetAsideRow } from "./set-aside-row.ts";
import type { StoreContext } from "./store-context.ts";
import type { WorkKey } from "./work-keys.ts";

const AT_ONCE = 100;
const AGAIN_MS = 60_000;

/** Finishes what attempts and redrives have not, when whoever began it is not at it any more. */
export async function repair(context: StoreContext, now: number): Promise<void> {
  const due = await findDueKeys(context, "sweep", ["ended", "queued", "redriven"], { now, limit: AT_ONCE });
  await inParallel(due, async ({ kind, key }) => {
    const isDone = await attemptLater(context, `what ${key.pk} has left to do`, () => REPAIRS[kind](context, key, now));
    if (!isDone) await postpone(context, key, now + AGAIN_MS);
  });
}

/** One that fails keeps nobody busy: its entry moves on in the index. */
async function postpone({ work }: StoreContext, key: WorkKey, at: number): Promise<void> {
  await work.update(
    { ...key },
    { update: "SET sweepAt = :at", condition: "attribute_exists(pk)", values: { ":at": at } },
  );
}

type Repair = (context: StoreContext, key: WorkKey, now: number) => Promise<void>;

const REPAIRS: Readonly<Record<"ended" | "queued" | "redriven", Repair>> = {
  async ended(context, key) {
    const row = await loadRowAt<AttemptRow>(context, key);
    if (row !== undefined) await finishEnd(context, row);
  },
  async queued(context, key, now) {
    const row = await loadRowAt<AttemptRow>(context, key);
    if (row?.queuedFor === undefined) return;
    await settleKey(context, row.queuedFor, { now });
    await mutateRow<AttemptRow, void>(context, ATTEMPTS, row.attemptId, (current) => {
      if (current?.status !== "queued") return { result: undefined };
      return { write: { ...current, checkAt: now + AGAIN_MS }, result: undefined };
    });
  },
  async redriven(context, key) {
    const row = await loadRowAt<SetAsideRow>(context, key);
    if (row !== undefined) await finishRedrive(context, row.entry.id);
  },
};
