import { defined } from "@stackyard/core";
import type { ReleaseCalendar } from "@stackyard/core/api";
import { type BoardPlace, CALENDAR_NAME, type Freeze } from "@stackyard/core/services";
import type { Calendar } from "@stackyard/promotion/calendars";
import type { RowsInput } from "@stackyard/promotion/deploy";
import type { Caller } from "../access/caller.ts";
import { toInstant } from "../schemas/event.ts";
import type { RouteDeps } from "./route-deps.ts";
import { countWaitingZones } from "./waiting-zones.ts";

/** A task that sends and has not ended. */
export interface OpenTask {
  readonly rows: RowsInput;
  readonly place: BoardPlace;
  /** Stacks that it has not sent to yet. */
  readonly waiting: number;
  /** The name of its calendar. */
  readonly calendar?: string;
  /** The machine of the stack that it creates. */
  readonly create?: string;
  readonly alarms: readonly string[];
}

interface WindowsInput {
  readonly tasks: readonly OpenTask[];
  /** Those that hold all stacks. */
  readonly freezes: readonly Freeze[];
}

type Windows = Pick<ReleaseCalendar, "from" | "to" | "windows">;
type Window = ReleaseCalendar["windows"][number];

const DAY_MS = 86_400_000;
const SHORTEST_MS = 3 * DAY_MS;
const LONGEST_MS = 62 * DAY_MS;

/** Lists when the calendars of tasks are open, from some time before now until after the next opening. */
export async function listReleaseWindows(deps: RouteDeps, caller: Caller, input: WindowsInput): Promise<Windows> {
  const now = deps.clock.now();
  const byCalendar = Map.groupBy(
    input.tasks.filter(({ calendar }) => calendar !== undefined),
    ({ calendar = "" }) => calendar,
  );
  const hours: WindowHours[] = [];
  for (const [calendar, tasks] of byCalendar) {
    hours.push(...(await listHours(deps, caller, { calendar, tasks, now, freezes: input.freezes })));
  }
  const known = hours.flatMap(({ opensAt, closesAt }) => [opensAt ?? now, closesAt ?? now]);
  const length = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, ...known.map((at) => at - now + DAY_MS)));
  const span = { from: now - Math.round(length / 6), to: now + length };
  return {
    from: toInstant(span.from),
    to: toInstant(span.to),
    windows: hours.map(({ opensAt, closesAt, list, ...window }) => ({
      ...window,
      ...defined({ opensAt: toInstant(opensAt), closesAt: toInstant(closesAt) }),
      open: list(span).map(({ from, to }) => ({ from: toInstant(from), to: toInstant(to) })),
    })),
  };
}

interface Span {
  readonly from: number;
  readonly to: number;
}

interface WindowHours extends Omit<Window, "open" | "opensAt" | "closesAt"> {
  readonly opensAt?: number;
  readonly closesAt?: number;
  readonly list: (span: Span) => readonly Span[];
}

interface HoursInput {
  readonly calendar: string;
  readonly tasks: readonly OpenTask[];
  readonly freezes: readonly Freeze[];
  readonly now: number;
}

async function listHours(deps: RouteDeps, caller: Caller, input: HoursInput): Promise<readonly WindowHours[]> {
  const { calendar: name, tasks } = input;
  const window = {
    calendar: name,
    tasks: tasks.map(({ place: { task } }) => task),
    waiting: tasks.reduce((sum, { waiting }) => sum + waiting, 0),
  };
  const read = await readCalendar(deps, name);
  const toProblem = (problem: string) => [{ ...window, isOpen: false, problem, list: () => [] }];
  if ("problem" in read) return toProblem(read.problem);
  const { zone } = read.calendar;
  if ("name" in zone) return [{ ...window, ...(await evaluate(read.calendar, zone.name, input)) }];
  const zones = await countWaitingZones(deps, caller, { tasks: tasks.map(({ rows }) => rows), key: zone.metadata });
  if (zones.size === 0)
    return toProblem(`It has the zone of each stack, metadata.${zone.metadata}, and no stack waits.`);
  const { isZoneName } = await import("@stackyard/promotion/calendars");
  return Promise.all(
    [...zones].map(async ([each, stacks]) => {
      if (isZoneName(each)) return { ...window, stacks, ...(await evaluate(read.calendar, each, input)) };
      const problem = `metadata.${zone.metadata} of ${stacks === 1 ? "1 stack" : `${stacks} stacks`} is not a time zone.`;
      return { ...window, stacks, isOpen: false, problem, list: () => [] };
    }),
  );
}

async function evaluate(calendar: Calendar, zone: string, { freezes, now }: HoursInput) {
  const { evaluateHours, listOpenSpans } = await import("@stackyard/promotion/calendars");
  const { isOpen, changesAt } = evaluateHours(calendar, zone, now);
  // Not known while a person must end a freeze.
  const thawsAt = Math.max(now, ...freezes.map(({ to = Number.POSITIVE_INFINITY }) => to));
  const isHeld = !isOpen || thawsAt > now;
  const then = Number.isFinite(thawsAt) ? evaluateHours(calendar, zone, thawsAt) : undefined;
  const opensAt = then?.isOpen ? thawsAt : then?.changesAt;
  const closesAt = isHeld ? opensAt && evaluateHours(calendar, zone, opensAt).changesAt : changesAt;
  return {
    zone,
    isOpen,
    ...defined({ opensAt: isHeld ? opensAt : undefined, closesAt }),
    list: (span: Span) => listOpenSpans(calendar, zone, span),
  };
}

type ReadCalendar = { readonly calendar: Calendar } | { readonly problem: string };

async function readCalendar({ calendars, logger }: RouteDeps, name: string): Promise<ReadCalendar> {
  if (calendars === undefined) return { problem: "This server has no calendars: no folder of machines is configured." };
  const path = `calendars/${name}.yaml`;
  if (!CALENDAR_NAME.test(name)) return { problem: `${JSON.stringify(name)} is not the name of a calendar.` };
  let source: string | undefined;
  try {
    source = await calendars.read(name);
  } catch (error) {
    logger.warn("A calendar cannot be read.", { calendar: name, error });
    return { problem: `${path} cannot be read now.` };
  }
  if (source === undefined) return { problem: `${path} does not exist. Create it next to the folder of machines.` };
  const { parseCalendar } = await import("@stackyard/promotion/calendars");
  const parsed = parseCalendar(source);
  if (parsed.kind === "calendar") return parsed;
  const [problem] = parsed.problems;
  return { problem: `${path} has errors at ${problem?.line}:${problem?.column}: ${problem?.message}` };
}
