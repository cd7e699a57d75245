import type { AlarmPlace } from "../auto-scaling/policy-alarms.ts";
import { type AlarmState, type SimAlarm, toAlarmArn } from "./sim-alarm.ts";

/** All alarms of all accounts. */
export interface Alarms {
  /** A new one has the state; one that is there keeps its own ("PutMetricAlarm": "its state is left unchanged"). */
  put(place: AlarmPlace, alarm: PutAlarm): void;
  setState(alarm: SimAlarm, state: AlarmState): void;
  find(place: AlarmPlace, name: string): SimAlarm | undefined;
  remove(place: AlarmPlace, name: string): boolean;
  /** Of one account and region, by name. */
  list(place: AlarmPlace): readonly SimAlarm[];
  named(name: string): readonly SimAlarm[];
}

/** What is put. */
export type PutAlarm = Pick<SimAlarm, "name" | "request" | "configuredAt" | "state">;

/** None at first. */
export function createAlarms(): Alarms {
  const alarms = new Map<string, SimAlarm>();
  const find = (place: AlarmPlace, name: string) => alarms.get(toKey(place, name));
  return {
    find,
    put(place, { name, request, configuredAt, state }) {
      const { account, region } = place;
      const kept = find(place, name)?.state ?? state;
      const alarm = { account, region, name, arn: toAlarmArn(place, name), request, configuredAt, state: kept };
      alarms.set(toKey(place, name), alarm);
    },
    setState: (alarm, state) => void alarms.set(toKey(alarm, alarm.name), { ...alarm, state }),
    remove: (place, name) => alarms.delete(toKey(place, name)),
    list: ({ account, region }) =>
      [...alarms.values()]
        .filter((each) => each.account === account && each.region === region)
        .toSorted((left, right) => (left.name < right.name ? -1 : 1)),
    named: (name) => [...alarms.values()].filter((each) => each.name === name),
  };
}

function toKey({ account, region }: AlarmPlace, name: string): string {
  return [account, region, name].join("/");
}
