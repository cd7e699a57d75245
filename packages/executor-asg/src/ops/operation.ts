import type { AsgCall } from "../call.ts";
import type { AsgProgress, AsgStep } from "../definition.ts";

/** An operation of the executor, found by `op`. */
export interface AsgOperation {
  /** Can be repeated with the same idempotency key. */
  start(call: AsgCall): Promise<AsgStep>;
  /** Default: `start` again. */
  poll?(call: AsgCall, progress: AsgProgress): Promise<AsgStep>;
  /** Default: it fails clean, as if it had not started. */
  cancel?(call: AsgCall, progress: AsgProgress): Promise<AsgStep>;
}

/** An operation that is polled, with the progress that it stores. */
interface PolledOperation<Progress extends AsgProgress> extends Pick<AsgOperation, "start"> {
  /** Recognizes its own progress. */
  progress(stored: AsgProgress): stored is Progress;
  poll(call: AsgCall, progress: Progress): Promise<AsgStep>;
  cancel?(call: AsgCall, progress: Progress): Promise<AsgStep>;
}

/** Creates an operation whose `poll` and `cancel` receive their own type of progress. */
export function defineOperation<Progress extends AsgProgress>(spec: PolledOperation<Progress>): AsgOperation {
  const { start, poll, cancel } = spec;
  const parse = (stored: AsgProgress): Progress => {
    if (spec.progress(stored)) return stored;
    throw new Error(`The progress of the operation "${stored.op}" was written by another version of the executor.`);
  };
  return {
    start,
    poll: async (call, stored) => poll(call, parse(stored)),
    ...(cancel && { cancel: async (call, stored) => cancel(call, parse(stored)) }),
  };
}
