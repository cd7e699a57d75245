import type { Given } from "../given.ts";
import type { BucketPrefix } from "../policies/s3-permissions.ts";
import type { QueueAddress } from "../queues/queue-address.ts";
import type { YardStore } from "../store/yard-store.ts";

/** What both apps of a yard must know alike. */
export interface YardSettings {
  /** Default: `main`. */
  readonly yardName?: string;
  /** Where messages lie that are too large for a queue. Default: such a message is refused. */
  readonly messages?: Given<BucketPrefix>;
  /** The customer's key of the queues. Default: they have the one of SQS. */
  readonly queueKeyArn?: Given<string>;
  /** Whether every runner that reads the queues of tasks has the store. Default: `true`. */
  readonly runnersHaveStore?: boolean | string;
  /** `debug`, `info`, `warn` or `error`. Default: `info`. */
  readonly logLevel?: string;
  /** Collector that traces and metrics are sent to, by OTLP over HTTP. Default: none. */
  readonly otlpEndpoint?: Given<string>;
}

/** The queues that the state manager reads and writes. */
export interface StateManagerQueues {
  readonly events: QueueAddress;
  readonly ticks: QueueAddress;
  readonly tasks: QueueAddress;
  readonly longTasks?: Given<QueueAddress>;
  readonly eventDeadLetters: QueueAddress;
}

/** The queues that a runner reads and writes. */
export interface TaskRunnerQueues {
  readonly events: QueueAddress;
  readonly tasks: QueueAddress;
  readonly longTasks?: Given<QueueAddress>;
  readonly taskDeadLetters: QueueAddress;
  /** For a runner that decides its results: timers that they arm. */
  readonly ticks?: QueueAddress;
  /** The same: their dead letters. */
  readonly eventDeadLetters?: QueueAddress;
}

/** Where a yard keeps its state; a template names both kinds, each under its condition. */
export type StoreChoices = readonly Given<YardStore>[];

export const DEFAULT_YARD = "main";
