import { SimFault } from "../sim-fault.ts";
import { launchTimeOf, type SimInstance, STATE_CODES, stateOf } from "./sim-instance.ts";

/** A filter as the SDK sends it. */
export interface Ec2Filter {
  readonly Name?: string;
  readonly Values?: readonly string[];
}

type Reader = (instance: SimInstance, now: number) => readonly string[];

const READERS: Readonly<Record<string, Reader>> = {
  "instance-id": ({ instanceId }) => [instanceId],
  "instance-state-name": (instance, now) => [stateOf(instance, now)],
  "instance-state-code": (instance, now) => [String(STATE_CODES[stateOf(instance, now)])],
  "instance-type": ({ instanceType }) => [instanceType],
  "launch-time": (instance, now) => [new Date(launchTimeOf(instance, now)).toISOString()],
  "owner-id": ({ account }) => [account],
  platform: ({ platform }) => (platform === undefined ? [] : [platform]),
  "reservation-id": ({ reservationId }) => [reservationId],
  "tag-key": ({ tags }) => Object.keys(tags),
};

/** True when each filter has a value that fits. Source: "DescribeInstances", Filters: values are ORed, filters are ANDed. */
export function matchesFilters(instance: SimInstance, filters: readonly Ec2Filter[], now: number): boolean {
  return filters.every(({ Name = "", Values = [] }) => {
    const found = readerOf(Name)(instance, now);
    return Values.some((pattern) => found.some((value) => matchesPattern(value, pattern)));
  });
}

function readerOf(name: string): Reader {
  if (name.startsWith("tag:")) {
    const key = name.slice("tag:".length);
    return ({ tags }) => {
      const value = tags[key];
      return value === undefined ? [] : [value];
    };
  }
  const reader = READERS[name];
  if (reader === undefined) throw new SimFault("InvalidParameterValue", 400, `The filter '${name}' is invalid`);
  return reader;
}

/**
 * `*` for any number of characters, `?` for one, `\` for the character itself; upper and lower case differ. Source: EC2 user
 * guide, "Filtering considerations" in "Find your Amazon EC2 resources".
 */
export function matchesPattern(value: string, pattern: string): boolean {
  if (!/[*?\\]/.test(pattern)) return value === pattern;
  const source = pattern.replace(/\\(.)|[\s\S]/g, (text, escaped: string | undefined) => {
    if (escaped !== undefined) return quote(escaped);
    if (text === "*") return "[\\s\\S]*";
    return text === "?" ? "[\\s\\S]" : quote(text);
  });
  return new RegExp(`^${source}$`).test(value);
}

function quote(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
