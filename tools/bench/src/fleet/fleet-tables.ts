import type { Table } from "../side-by-side/table.ts";
import type { FleetFigures } from "./fleet-figures.ts";

/** The figures as people read them. */
export function toFleetTables({ plans, dispatches, deaths }: FleetFigures): readonly Table[] {
  return [
    {
      title: "Measured: selecting the instances of a run; the simulation's own work is in it",
      head: ["what is asked", "instances", "calls of AWS", "seconds", "MB"],
      rows: plans.map(({ name, instances, calls, seconds, megabytes }) => {
        return [name, toCount(instances), toCount(calls), seconds.toFixed(2), megabytes.toFixed(0)];
      }),
    },
    {
      title: "Virtual time: a healthy fleet, each instance busy for 20 to 40 s, at 1 SendCommand a second",
      head: ["how", "instances", "SendCommand calls", "last one sent after", "last instance known after"],
      rows: dispatches.map(({ name, instances, sends, sentSeconds, endedSeconds }) => {
        return [name, toCount(instances), toCount(sends), toTime(sentSeconds), toTime(endedSeconds)];
      }),
    },
    {
      title: "Counted: runs whose control plane is killed once, before or after one of its requests, and started again",
      head: ["instances", "requests of a whole run", "kills", "instances lost", "commands sent twice"],
      rows: deaths.map(({ instances, awaits, deaths: kills, lost, twice }) => {
        return [instances, awaits, kills, lost, twice].map(toCount);
      }),
    },
  ];
}

function toCount(count: number): string {
  return count.toLocaleString("en");
}

function toTime(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
