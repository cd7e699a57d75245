import { changeRecord, defined, type ExecutorContext, keepStart, RELEASE_PLACES } from "@stackyard/core";
import type { ReleasePlace } from "@stackyard/core/api";
import type { ProjectConfig } from "@stackyard/sdk/releases";

/** A change at a place; missing fields are unchanged. */
interface ReleasePlaceChange {
  readonly running?: Omit<NonNullable<ReleasePlace["running"]>, "since" | "stackId">;
  /** The last change of the lock by a person. */
  readonly lock?: { readonly user: string; readonly reason: string } | "unlocked";
}

/** Returns the key of a place's record. */
export function toPlaceKey({ account, region, project, config }: ProjectConfig): string {
  return `${RELEASE_PLACES}${[account, region, project, config].map(encodeURIComponent).join("/")}`;
}

const MAX_TRIES = 3;
const MAX_CHARACTERS = 1_024;

/**
 * Records in the yard which release runs at a place and who has locked it, one record per project and config. It is
 * informational: a failed write neither fails a release nor changes the lock.
 */
export async function rememberPlace(
  { records, clock, logger, stackId }: Pick<ExecutorContext, "records" | "clock" | "logger" | "stackId">,
  at: ProjectConfig,
  change: ReleasePlaceChange,
): Promise<void> {
  const key = toPlaceKey(at);
  try {
    await changeRecord({
      records,
      clock,
      key,
      tries: MAX_TRIES,
      decide: (found, now) => ({
        write: { value: applyChange(at, found?.value as ReleasePlace | undefined, { change, now, stackId }) },
      }),
    });
  } catch (error) {
    logger.warn("cannot remember what runs at a place", { key, error });
  }
}

interface ChangeInput {
  readonly change: ReleasePlaceChange;
  readonly now: number;
  readonly stackId: string;
}

/** Applies a change. Texts are cut, so that the size of a record is bounded. */
export function applyChange(
  { account, region, project, config }: ProjectConfig,
  before: ReleasePlace | undefined,
  { change, now, stackId }: ChangeInput,
): ReleasePlace {
  const since = new Date(now).toISOString();
  const { running = before?.running, lock } = {
    running: change.running && { ...cut(change.running), since, stackId },
    lock: change.lock === undefined ? before?.lock : toLock(change.lock, since),
  };
  return { account, region, project, config, ...defined({ running, lock }), updatedAt: since };
}

function toLock(lock: NonNullable<ReleasePlaceChange["lock"]>, since: string): ReleasePlace["lock"] {
  return lock === "unlocked" ? undefined : { ...cut(lock), since };
}

function cut<Texts extends object>(texts: Texts): Texts {
  const entries = Object.entries(texts).map(([name, text]) => [name, keepStart(String(text), MAX_CHARACTERS)]);
  // The same names with texts.
  return Object.fromEntries(entries) as Texts;
}
