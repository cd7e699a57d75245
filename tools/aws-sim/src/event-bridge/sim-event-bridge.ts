import type { SimService } from "../sim-call.ts";
import type { AwsEvent } from "./aws-events.ts";
import { type EventPattern, matchesPattern } from "./match-pattern.ts";
import { eventBridgeFaults, putEvents } from "./put-events.ts";

/** Buses, and rules with targets in this process. Events wait until a test has them delivered. */
export interface SimEventBridge {
  readonly service: SimService;
  addRule(input: RuleInput): void;
  /** Puts an event on the default bus, as services of AWS do. */
  emit(event: AwsEvent): void;
  /** What waits, in order. */
  readonly waiting: readonly AwsEvent[];
  /** Delivers all that waits to whoever has a rule for it. Gives what the targets threw. */
  deliver(options?: DeliverOptions): Promise<readonly unknown[]>;
}

/** Which events reach which function. */
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
  const queue: { readonly event: AwsEvent; readonly bus: string }[] = [];

  async function deliverOne({ event, bus }: (typeof queue)[number]): Promise<readonly unknown[]> {
    const errors: unknown[] = [];
    for (const rule of rules) {
      const isThere = rule.account === event.account && rule.region === event.region && (rule.bus ?? "default") === bus;
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
      operations: { PutEvents: (call) => putEvents(call, (event, bus) => void queue.push({ event, bus })) },
      toAction: (operation) => `events:${operation}`,
      faults: eventBridgeFaults,
    },
    addRule: (input) => void rules.push(input),
    emit: (event) => void queue.push({ event, bus: "default" }),
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
