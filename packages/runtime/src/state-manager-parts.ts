import type { Clock, Logger, Store, Transport } from "@stackyard/core";
import type { Bulks, Yard } from "@stackyard/core/engine";
import type { BatchOptions } from "@stackyard/transport-sqs";
import type { DeleteWorked } from "./answer-batch.ts";
import type { Environment } from "./environment.ts";

/** A state manager at work. */
export interface StateManagerParts {
  readonly environment: Environment;
  readonly store: Store;
  readonly yard: Yard;
  /** Bulk operations whose starter is gone. */
  readonly bulks: Pick<Bulks, "run" | "continueUntil" | "stop">;
  readonly transport: Transport;
  /** The options of taking batches from the event queue. */
  readonly batches: BatchOptions;
  readonly deleteWorked: DeleteWorked | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}
