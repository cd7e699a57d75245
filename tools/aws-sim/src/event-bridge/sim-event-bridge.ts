import type { SimService } from "../sim-call.ts";
import type { AwsEvent } from "./aws-events.ts";
import { type EventPattern, matchesPattern } from "./match-pattern.ts";
import { type BusPlace, eventBridgeFaults, putEvents } from "./put-events.ts";

/** Buses, and rules with targets in this process. Events wait until a test has them delivered. */
export interface SimEventBridge {
  readonly service: SimService;
  /** A bus besides the default one; gives its ARN. One's own need none to be put on. */
  addBus(input: BusInput): string;
  addRule(input: RuleInput): void;
  /** Puts an event on the default bus, as services of AWS do. */
  emit(event: AwsEvent): void;
  /** What waits, in order. */
  readonly waiting: readonly AwsEvent[];
  /** Delivers all that waits to whoever has a rule for it. Gives what the targets threw. */
  deliver(options?: DeliverOptions): Promise<readonly unknown[]>;
}

/** A bus and who else may put events on it. */
export interface BusInput {
  readonly account: string;
  readonly region: string;
  readonly name: string;
  /** Other accounts that its policy lets in. Default: none. */
  readonly allows?: readonly string[];
}

/** Which events reach which function; account and region are those of the bus. */
export interface RuleInput {
  readonly account: string;
  readonly region: string;
  /** Default: `default`. */
  readonly bus?: string;
  readonly pattern: EventPattern;
  readonly target: (event: AwsEvent) => unknown;
}

/** "At least once", and in no order (user guide, "Amazon EventBridge event delivery"). */
export interface DeliverOptions {
  /** How often each event comes. Default: 1. */
  readonly copies?: number;
  /** The last first. Default: false. */
  readonly reversed?: boolean;
}

/** EventBridge without rules. */
export function createEventBridge(): SimEventBridge {
  const rules: RuleInput[] = [];
  const buses = new Map<string, BusInput>();
  const queue: { readonly event: AwsEvent; readonly place: BusPlace }[] = [];

  async function deliverOne({ event, place }: (typeof queue)[number]): Promise<readonly unknown[]> {
    const errors: unknown[] = [];
    for (const rule of rules) {
      const isThere = keyOf({ bus: "default", ...rule }) === keyOf(place);
      if (!isThere || !matchesPattern(event, rule.pattern)) continue;
      try {
        await rule.target(structuredClone(event));
      } catch (error) {
        errors.push(error);
      }
    }
    return errors;
  }

  return {
    service: {
      operations: {
        PutEvents: (call) =>
          putEvents(call, {
            admits: (place, account) =>
              place.account === account || (buses.get(keyOf(place))?.allows ?? []).includes(account),
            take: (event, place) => void queue.push({ event, place }),
          }),
      },
      toAction: (operation) => `events:${operation}`,
      faults: eventBridgeFaults,
    },
    addBus(input) {
      const { account, region, name } = input;
      buses.set(keyOf({ account, region, bus: name }), input);
      return `arn:aws:events:${region}:${account}:event-bus/${name}`;
    },
    addRule: (input) => void rules.push(input),
    emit(event) {
      const { account, region } = event;
      queue.push({ event, place: { account, region, bus: "default" } });
    },
    get waiting() {
      return queue.map(({ event }) => event);
    },
    async deliver({ copies = 1, reversed = false } = {}) {
      const taken = queue.splice(0).flatMap((each) => Array.from({ length: copies }, () => each));
      const errors: unknown[] = [];
      for (const each of reversed ? taken.toReversed() : taken) errors.push(...(await deliverOne(each)));
      return errors;
    },
  };
}

function keyOf({ account, region, bus }: BusPlace): string {
  return `${account}/${region}/${bus}`;
}
