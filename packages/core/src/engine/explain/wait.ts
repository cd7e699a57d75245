/** What a task or a stack waits for, as a program reads it. Instants are epoch milliseconds. */
export interface Wait {
  readonly kind: WaitKind;
  /** The attempt that is spoken of: the task's own, or the one that holds what it waits for. */
  readonly attemptId?: string;
  /** Of that attempt. */
  readonly stackId?: string;
  readonly task?: string;
  /** `key`: the exclusive key, and the place in its queue; 1 is next. */
  readonly key?: string;
  readonly place?: number;
  /** `lease`: who works on it. */
  readonly worker?: string;
  /** `worker`: of which executor one is missing. */
  readonly executor?: string;
  /** `need`: tasks that must succeed before. */
  readonly tasks?: readonly string[];
  /** `event`: those that the state handles. */
  readonly events?: readonly string[];
  /** `timer`, `parked`: the event that is due, and the parked one's id. */
  readonly event?: string;
  readonly eventId?: string;
  /** When it ends or is looked at again at the latest. */
  readonly at?: number;
  /** `operator`: why nobody but a person can go on. */
  readonly code?: string;
}

/**
 * `lease`: a worker works on it. `worker`: nobody has taken it. `key`: another attempt holds an exclusive key. `poll`: work
 * goes on elsewhere. `cancel`: it was asked to stop. `result`: its answer is on its way. `timer`, `need`, `parked`.
 * `leaving`: runs of earlier states. `event`: somebody must send one. `operator`: somebody must look.
 */
export type WaitKind =
  | "lease"
  | "worker"
  | "key"
  | "poll"
  | "cancel"
  | "result"
  | "timer"
  | "need"
  | "leaving"
  | "parked"
  | "event"
  | "operator";

/** One sentence and what it speaks of; without an object there is nothing to wait for. */
export interface Reason {
  readonly why: string;
  readonly waitsFor?: Wait;
}
