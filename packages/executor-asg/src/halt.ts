import type { ReleaseConstants } from "./presets.ts";
import { ReleaseError } from "./release-errors.ts";
import type { HaltOrder, ReleaseDeps, ReleaseState, ReleaseWork } from "./release-state.ts";

/**
 * Decides whether a release has to stop. The timeout comes first, then requests for this release, then the
 * predecessor's file, which counts if it is less than five minutes old and less than two minutes in the future.
 * Unwatched time counts for neither.
 * Unreadable requests halt nothing: a short storage failure must not tear down a release, and the next check is seconds
 * away.
 */
export function decideHalt(input: HaltInput): HaltDecision {
  const isSeed = input.generation === "step-asg-deployer";
  const began = isSeed ? (input.createdAt ?? input.startedAt) : input.startedAt;
  if (input.now > began + (input.unwatchedMs ?? 0) + input.timeoutSeconds * 1_000) {
    return { kind: "halt", code: "RELEASE_TIMED_OUT", message: "Timeout: Halting Release" };
  }
  if (input.halts === "unreadable") return { kind: "go-on", unreadable: true };
  const order = findOrder(input.halts, input.now - (input.unwatchedMs ?? 0), input.now);
  if (order === undefined) return { kind: "go-on", unreadable: false };
  return { kind: "halt", code: "RELEASE_HALTED", message: toMessage(order, isSeed) };
}

/** Input of `decideHalt`. Instants in epoch ms. */
export interface HaltInput {
  /** By the deployer's clock. */
  readonly now: number;
  /** When the release was validated. */
  readonly startedAt: number;
  /** The document's `created_at`: the timeout of step-asg-deployer counts from there. Default: `startedAt`. */
  readonly createdAt?: number;
  readonly timeoutSeconds: number;
  /** The time for which the release was unwatched, in milliseconds. Default: 0. */
  readonly unwatchedMs?: number | undefined;
  /** All halt requests found. */
  readonly halts: readonly HaltOrder[] | "unreadable";
  /** Default: `odin`. */
  readonly generation?: ReleaseConstants["generation"];
}

/** The decision about a release: it continues, or halts. */
export type HaltDecision =
  /** `unreadable`: the halt requests could not be read. Log it and check again. */
  | { readonly kind: "go-on"; readonly unreadable: boolean }
  | { readonly kind: "halt"; readonly code: "RELEASE_TIMED_OUT" | "RELEASE_HALTED"; readonly message: string };

/** Throws `RELEASE_TIMED_OUT` or `RELEASE_HALTED` if the release must stop. */
export async function throwIfHalted(deps: ReleaseDeps, work: ReleaseWork): Promise<void> {
  const error = await findStop(deps, work);
  if (error !== undefined) throw error;
}

/**
 * Returns the error of a release whose time is over, and that was not halted: its health is checked once more before
 * that decides. Throws like `throwIfHalted` otherwise.
 */
export async function findTimeout(deps: ReleaseDeps, work: ReleaseWork): Promise<ReleaseError | undefined> {
  const error = await findStop(deps, work);
  if (error === undefined) return undefined;
  if (error.releaseCode !== "RELEASE_TIMED_OUT" || (await findHalt(deps, work)) !== undefined) throw error;
  return error;
}

async function findStop(deps: ReleaseDeps, work: ReleaseWork): Promise<ReleaseError | undefined> {
  const { constants, clock } = deps;
  const { release, state } = work;
  const halts = await readHalts(deps, work);
  const verdict = decideHalt({
    now: clock.now(),
    startedAt: Date.parse(state.started_at),
    createdAt: Date.parse(release.created_at),
    timeoutSeconds: release.timeout,
    unwatchedMs: state.unwatched_ms,
    halts,
    generation: constants.generation,
  });
  if (verdict.kind !== "halt") return undefined;
  return new ReleaseError(
    verdict.code,
    verdict.code === "RELEASE_TIMED_OUT" ? explainTimeout(verdict.message, state) : verdict.message,
  );
}

/** Adds why services were not healthy at the last check. */
export function explainTimeout(message: string, state: ReleaseState): string {
  const causes = listCauses(state);
  return causes.length === 0 ? message : withCauses(`${message}:`, causes);
}

/**
 * Finds a halt request while a release waits. Ignores the timeout: the predecessor's states check it when they run, and
 * the slow start of a target group is not part of it.
 */
export async function findHalt(deps: ReleaseDeps, work: ReleaseWork): Promise<ReleaseError | undefined> {
  const { clock, constants } = deps;
  const { unwatched_ms: unwatchedMs } = work.state;
  const halts = await readHalts(deps, work);
  const now = clock.now();
  const times = { now, startedAt: now, timeoutSeconds: Number.POSITIVE_INFINITY, unwatchedMs };
  const verdict = decideHalt({ ...times, halts, generation: constants.generation });
  return verdict.kind === "halt" ? new ReleaseError(verdict.code, verdict.message) : undefined;
}

/** Returns the halt of this execution, and the halt requests in the memory. Throws if these cannot be read. */
export async function listHalts(
  { memory }: Pick<ReleaseDeps, "memory">,
  { release, halt }: ReleaseWork,
): Promise<readonly HaltOrder[]> {
  return [...(halt === undefined ? [] : [halt]), ...(await memory.listHalts(release))];
}

/**
 * Returns the halt requests. Unreadable ones stop nothing, as with the predecessor: the next check reads them again.
 * The halt of this execution needs no read.
 */
export async function readHalts(deps: ReleaseDeps, work: ReleaseWork): Promise<readonly HaltOrder[] | "unreadable"> {
  try {
    return await listHalts(deps, work);
  } catch (error) {
    deps.signal.throwIfAborted();
    deps.logger.warn("cannot read halt requests", { error, release: work.release.release_id });
    return work.halt === undefined ? "unreadable" : [work.halt];
  }
}

const FILE_VALID_MS = 5 * 60_000;

const MAX_CLOCK_SKEW_MS = 2 * 60_000;

function findOrder(halts: readonly HaltOrder[], watchedNow: number, now: number): HaltOrder | undefined {
  const own = halts.filter((order) => order.kind === "release").toSorted((one, other) => one.at - other.at);
  return own[0] ?? halts.find((order) => order.kind === "file" && isFileValid(order.modifiedAt, watchedNow, now));
}

function isFileValid(modifiedAt: number, watchedNow: number, now: number): boolean {
  return modifiedAt > watchedNow - FILE_VALID_MS && modifiedAt < now + MAX_CLOCK_SKEW_MS;
}

function toMessage(order: HaltOrder, isSeed: boolean): string {
  if (order.kind === "release") return order.message || `Halted by ${order.by || "an operator"}`;
  // step-asg-deployer writes only the word "halt".
  return isSeed || order.message === "" ? "Halt File Found" : order.message;
}

const CAUSES_TOLD = 5;

/** Lists why services were not healthy at the last check: their groups are deleted afterwards. */
function listCauses({ services }: ReleaseState): readonly string[] {
  const causes = Object.entries(services).flatMap(([name, { healthy, causes: each = [] }]) =>
    healthy ? [] : each.map((cause) => `${name}: ${cause}`),
  );
  return causes.slice(0, CAUSES_TOLD);
}

export function withCauses(message: string, causes: readonly string[]): string {
  return causes.length === 0 ? message : `${message} ${causes.join("; ")}.`;
}
