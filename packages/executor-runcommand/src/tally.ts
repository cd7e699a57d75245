import type { FleetCounts, FleetInstanceReport } from "./report-page.ts";

/** How many instances of a page, or of a run, are in each state. */
export interface Tally {
  /** Still to be sent. */
  readonly waiting: number;
  readonly running: number;
  readonly succeeded: number;
  readonly skipped: number;
  /** The rest by code: failed, cancelled and not sent. */
  readonly codes: Readonly<Record<string, number>>;
}

/** The code of instances to which a stopped run never sent. */
export const NOT_SENT = "NOT_SENT";

/** Prefix in a tally of the codes of rejected commands among them: those are failures. */
const REFUSED = "NOT_SENT:";

/** What SSM counts against `MaxErrors` (user guide, "Understanding command statuses"). */
const ERRORS: ReadonlySet<string> = new Set(["COMMAND_FAILED", "EXECUTION_TIMEOUT"]);

/** Instances that did not answer, so nothing was run on them. */
const UNREACHABLE: ReadonlySet<string> = new Set(["DELIVERY_TIMEOUT", "UNDELIVERABLE", "SSM_NOT_ONLINE"]);

const EMPTY: Tally = { waiting: 0, running: 0, succeeded: 0, skipped: 0, codes: {} };

/** Returns true for an instance that did not answer, so that nothing was run on it. */
export function isUnreachable({ code = "" }: FleetInstanceReport): boolean {
  return UNREACHABLE.has(code);
}

/** Counts instances. */
export function toTally(instances: readonly FleetInstanceReport[]): Tally {
  const tally = { ...EMPTY, codes: {} as Record<string, number> };
  for (const instance of instances) {
    const place = findPlace(instance);
    if (place === undefined) {
      const code = toCode(instance);
      tally.codes[code] = (tally.codes[code] ?? 0) + 1;
    } else tally[place] += 1;
  }
  return tally;
}

/** Adds up the tallies of pages. */
export function addTallies(tallies: readonly Tally[]): Tally {
  const codes: Record<string, number> = {};
  for (const tally of tallies) {
    for (const [code, count] of Object.entries(tally.codes)) codes[code] = (codes[code] ?? 0) + count;
  }
  const sum = (place: Place) => tallies.reduce((total, tally) => total + tally[place], 0);
  const [waiting, running, succeeded, skipped] = PLACES.map(sum);
  return { ...EMPTY, waiting, running, succeeded, skipped, codes } as Tally;
}

/** Failures that stop a run once there are more than its limit. */
export function countErrors({ codes }: Tally): number {
  return sumOf(codes, (code) => ERRORS.has(code));
}

/** Counts instances that failed although they were sent to, or should have been. */
export function countFailures({ codes }: Tally, { ignoreUnreachable = false } = {}): number {
  return sumOf(codes, (code) => code !== NOT_SENT && !(ignoreUnreachable && UNREACHABLE.has(code)));
}

/** Counts instances that a run left out because it stopped. */
export function countNotSent({ codes }: Tally): number {
  return codes[NOT_SENT] ?? 0;
}

/** Counts instances with a rejected command. */
export function countRefused({ codes }: Tally): number {
  return sumOf(codes, (code) => code.startsWith(REFUSED));
}

/** Returns why a command was rejected; undefined if none was. */
export function findRefusal({ codes }: Tally): string | undefined {
  return Object.keys(codes)
    .find((code) => code.startsWith(REFUSED))
    ?.slice(REFUSED.length);
}

/** Returns the counts of a report. */
export function toCounts(tally: Tally): FleetCounts {
  const { waiting, running, succeeded, skipped } = tally;
  const notSent = waiting + countNotSent(tally) + countRefused(tally);
  const failed = sumOf(tally.codes, (code) => code !== NOT_SENT && !code.startsWith(REFUSED));
  return { selected: succeeded + failed + running + notSent, succeeded, failed, running, skipped, notSent };
}

const PLACES = ["waiting", "running", "succeeded", "skipped"] as const;
type Place = (typeof PLACES)[number];

function findPlace({ state, code }: FleetInstanceReport): Place | undefined {
  if (state === "not-sent") return code === undefined ? "waiting" : undefined;
  return state === "failed" || state === "cancelled" ? undefined : state;
}

function toCode({ state, code = "COMMAND_FAILED", detailedStatus }: FleetInstanceReport): string {
  return state === "not-sent" && detailedStatus !== undefined ? `${REFUSED}${detailedStatus}` : code;
}

function sumOf(codes: Tally["codes"], isMeant: (code: string) => boolean): number {
  return Object.entries(codes).reduce((sum, [code, count]) => (isMeant(code) ? sum + count : sum), 0);
}

/** Formats the state of a run in one line. */
export function toMessage(tally: Tally): string {
  const { selected, succeeded, failed, running, notSent } = toCounts(tally);
  const parts = [`${succeeded} succeeded`, `${failed} failed`, `${running} running`, `${notSent} waiting`];
  return `${succeeded + failed} of ${selected} instances done: ${parts.join(", ")}.`;
}
