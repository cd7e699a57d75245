import {
  type FleetInstanceReport,
  type FleetStanding,
  STANDINGS,
  standingOf,
} from "@stackyard/executor-runcommand/report";
import type { GanttRow } from "../design/charts/gantt.tsx";
import type { Status } from "../design/mark.tsx";
import type { Step } from "../design/run/steps.tsx";
import { formatDuration } from "../text/durations.ts";
import { STANDING_MARKS } from "./fleet-data.ts";

/** Instances that were sent to at the same time. Instants are milliseconds. */
export interface FleetWave {
  /** From 1; of neighbors that are shown together, the first and the last one. */
  readonly numbers: readonly [number, number];
  readonly commandIds: readonly string[];
  readonly instances: readonly FleetInstanceReport[];
  /** The first start that is known. */
  readonly from?: number;
  /** The last end; missing while one runs. */
  readonly to?: number;
}

/** More do not fit into a picture: then neighbors are shown together. */
const MOST_WAVES = 24;

/** Returns the waves of a fleet run: the commands that were sent, in order of their first start. */
export function toWaves(instances: readonly FleetInstanceReport[]): readonly FleetWave[] {
  const sent = instances.filter(({ commandId }) => commandId !== undefined);
  const groups = [...Map.groupBy(sent, ({ commandId = "" }) => commandId)]
    .map(([commandId, members]) => ({ commandIds: [commandId], instances: members }))
    .toSorted((a, b) => toStart(a.instances) - toStart(b.instances));
  const size = Math.ceil(groups.length / MOST_WAVES);
  return Array.from({ length: size === 0 ? 0 : Math.ceil(groups.length / size) }, (_, index) => {
    const part = groups.slice(index * size, (index + 1) * size);
    const members = part.flatMap((group) => group.instances);
    const from = toStart(members);
    const to = toEnd(members);
    return {
      numbers: [index * size + 1, index * size + part.length],
      commandIds: part.flatMap(({ commandIds }) => commandIds),
      instances: members,
      ...(Number.isFinite(from) && { from }),
      ...(to !== undefined && { to }),
    };
  });
}

function toStart(instances: readonly FleetInstanceReport[]): number {
  return instances.reduce(
    (first, { startedAt = Number.POSITIVE_INFINITY }) => Math.min(first, startedAt),
    Number.POSITIVE_INFINITY,
  );
}

function toEnd(instances: readonly FleetInstanceReport[]): number | undefined {
  if (instances.some((instance) => standingOf(instance) === "running")) return undefined;
  const last = instances.reduce((latest, { endedAt = 0 }) => Math.max(latest, endedAt), 0);
  return last === 0 ? undefined : last;
}

/** Returns the worst standing of a wave. */
function toStatus({ instances }: FleetWave): Status {
  const standings = new Set(instances.map(standingOf));
  const worst = STANDINGS.find((standing) => standings.has(standing));
  return worst === undefined ? "waiting" : STANDING_MARKS[worst];
}

/** Formats `Wave 3`, `Waves 1–4`. */
export function formatWave({ numbers: [first, last] }: FleetWave): string {
  return first === last ? `Wave ${first}` : `Waves ${first}–${last}`;
}

/** Formats `40 succeeded, 2 failed`: the worst first. */
function formatCounts({ instances }: FleetWave): string {
  const counts = Map.groupBy(instances, standingOf);
  const parts = STANDINGS.flatMap((standing: FleetStanding) => {
    const count = counts.get(standing)?.length ?? 0;
    return count === 0 ? [] : [`${count.toLocaleString("en")} ${standing}`];
  });
  return parts.join(", ");
}

function toLink(id: string, wave: FleetWave) {
  return { path: "/fleet", search: { id, wave: wave.numbers.join("-") } };
}

/** Returns the waves as parts of the picture of their run, and those that are still to be sent. */
export function toWaveSteps(
  id: string,
  waves: readonly FleetWave[],
  { waiting, chosen, now }: { readonly waiting: number; readonly chosen: string | undefined; readonly now: number },
): readonly Step[] {
  const steps = waves.map((wave): Step => {
    const { from, to = now } = wave;
    const took = from === undefined ? [] : [formatDuration(to - from)];
    const key = wave.numbers.join("-");
    return {
      key,
      name: formatWave(wave),
      status: toStatus(wave),
      note: [formatCounts(wave), ...took].join(", "),
      link: toLink(id, wave),
      chosen: key === chosen,
    };
  });
  if (waiting === 0) return steps;
  const note = `${waiting.toLocaleString("en")} ${waiting === 1 ? "instance" : "instances"}`;
  return [...steps, { key: "waiting", name: "To be sent", status: "waiting", note }];
}

/** Returns the waves as rows of the line of time. */
export function toWaveRows(id: string, waves: readonly FleetWave[]): readonly GanttRow[] {
  return waves.flatMap((wave) => {
    const { from, to, instances } = wave;
    if (from === undefined) return [];
    const bar = {
      key: wave.numbers.join("-"),
      text: instances.length.toLocaleString("en"),
      name: formatWave(wave),
      from,
      status: toStatus(wave),
      ...(to !== undefined && { to }),
      link: { ...toLink(id, wave), word: "its instances" },
    };
    return [{ name: formatWave(wave), bars: [bar], end: formatCounts(wave) }];
  });
}

/** Returns the wave that the address names. */
export function findWave(waves: readonly FleetWave[], named: string | undefined): FleetWave | undefined {
  return waves.find(({ numbers }) => numbers.join("-") === named);
}
