import type { Release, ReleaseReport } from "@stackyard/sdk/releases";
import type { GanttBar, GanttRow } from "../design/charts/gantt.tsx";
import type { Status } from "../design/mark.tsx";
import type { Step } from "../design/run/steps.tsx";
import { formatDuration } from "../text/durations.ts";
import { formatReleaseState } from "../text/format-release-state.ts";

/** A state of a release, with the times that it was in it. Instants are milliseconds. */
export interface ReleaseState {
  readonly name: string;
  readonly status: Status;
  readonly times: readonly { readonly from: number; readonly to?: number }[];
}

type Facts = Pick<Release, "end" | "endedAt" | "standing"> & {
  readonly report?: Pick<ReleaseReport, "path" | "error">;
};

/** After an error the release is in one of these: the state before has failed. */
const AFTER_ERROR: ReadonlySet<string> = new Set([
  "DetachForFailure",
  "WaitDetachForFailure",
  "CleanUpFailure",
  "ReleaseLockFailure",
  "FailureClean",
  "FailureDirty",
]);

const ENDS: ReadonlySet<string> = new Set(["Success", "FailureClean", "FailureDirty"]);

/** Returns the states that a release has entered, in order of the first time. */
export function toReleaseStates({ report, endedAt, standing }: Facts): readonly ReleaseState[] {
  const path = report?.path ?? [];
  const end = endedAt === undefined ? undefined : Date.parse(endedAt);
  const times = path.map(({ state, at }, index) => {
    const next = path[index + 1]?.at ?? (ENDS.has(state) ? at : end);
    return { name: state, from: at, ...(next !== undefined && { to: Math.max(at, next) }) };
  });
  const failed = findFailedState(report, standing);
  const isOver = endedAt !== undefined;
  return [...Map.groupBy(times, ({ name }) => name)].map(([name, entered]) => ({
    name,
    status: toStatus(name, { failed, isCurrent: !isOver && name === path.at(-1)?.state }),
    times: entered.map(({ name: _, ...time }) => time),
  }));
}

/** Returns the state that led to the clean-up; undefined where nothing has failed. */
function findFailedState(report: Facts["report"], standing: Release["standing"]): string | undefined {
  const path = report?.path ?? [];
  const first = path.findIndex(({ state }) => AFTER_ERROR.has(state));
  if (first > 0) return path[first - 1]?.state;
  const hasFailed = report?.error !== undefined || standing === "failed";
  return hasFailed && first === -1 ? path.findLast(({ state }) => !ENDS.has(state))?.state : undefined;
}

interface Place {
  readonly failed: string | undefined;
  readonly isCurrent: boolean;
}

function toStatus(name: string, { failed, isCurrent }: Place): Status {
  if (name === failed || name === "FailureClean" || name === "FailureDirty") return "failed";
  return isCurrent ? "running" : "succeeded";
}

function toLink(jobId: string, name: string) {
  return { path: "/asg", search: { id: jobId, tab: "progress", state: name } };
}

/** Returns the states as parts of the picture of their release. */
export function toStateSteps(
  jobId: string,
  states: readonly ReleaseState[],
  { chosen, now }: { readonly chosen: string | undefined; readonly now: number },
): readonly Step[] {
  const steps = states.map(({ name, status, times }): Step => {
    const ms = times.reduce((sum, { from, to = now }) => sum + to - from, 0);
    const often = times.length === 1 ? [] : [`${times.length} times`];
    const took = ENDS.has(name) ? [] : [formatDuration(ms)];
    return {
      key: name,
      name: formatReleaseState(name),
      status,
      note: [...took, ...often].join(", "),
      link: toLink(jobId, name),
      chosen: name === chosen,
    };
  });
  return [...steps, ...toStepsAhead(states)];
}

/** The states of which each release that succeeds has one after the other. */
const USUAL = ["Deploy", "CheckHealthy", "DetachForSuccess", "CleanUpSuccess"];

/** Returns what a release that runs has before it, if all goes well. */
function toStepsAhead(states: readonly ReleaseState[]): readonly Step[] {
  const last = states.findLastIndex(({ name }) => USUAL.includes(name));
  const isRunning = states.some(({ status }) => status === "running");
  if (!isRunning || states.some(({ name }) => AFTER_ERROR.has(name))) return [];
  const from = last === -1 ? 0 : USUAL.indexOf(states[last]?.name ?? "") + 1;
  return USUAL.slice(from)
    .filter((name) => states.every((state) => state.name !== name))
    .map((name) => ({ key: name, name: formatReleaseState(name), status: "ahead", note: "to come" }));
}

/** Returns the states as rows of the line of time. */
export function toStateRows(jobId: string, states: readonly ReleaseState[]): readonly GanttRow[] {
  return states
    .filter(({ name }) => !ENDS.has(name))
    .map(({ name, status, times }) => ({
      name: formatReleaseState(name),
      bars: times.map((time, index): GanttBar => {
        const isLast = index === times.length - 1;
        const word = formatReleaseState(name);
        return {
          key: `${time.from}`,
          text: times.length === 1 ? "" : String(index + 1),
          name: times.length === 1 ? word : `${word}, time ${index + 1}`,
          status: isLast ? status : "succeeded",
          ...time,
          link: { ...toLink(jobId, name), word: "its messages" },
        };
      }),
      end: "",
    }));
}

/** Returns the lines that were written while the release was in a state. */
export function filterLines<Line extends { readonly at: number }>(
  lines: readonly Line[],
  state: ReleaseState | undefined,
): readonly Line[] {
  if (state === undefined) return lines;
  return lines.filter(({ at }) =>
    state.times.some(({ from, to = Number.POSITIVE_INFINITY }) => at >= from && at <= to),
  );
}
