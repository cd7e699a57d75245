import type { CustomResourceRequest } from "@stackyard/aws/custom-resource";
import type { CustomResourceResponse } from "./to-response.ts";

/**
 * How far the work for a request is: `decide` what to do, wait for `health` of a target group, `start` tasks, `wait` for
 * them, `end` them after a failure, `stop` them for a Delete, send the `answer`; `done`: CloudFormation has it.
 */
export type WorkPhase = "decide" | "health" | "start" | "wait" | "end" | "stop" | "answer" | "done";

/** A failure that is told once the tasks are stopped. */
export interface WorkFailure {
  readonly code: string;
  readonly text: string;
  readonly exitCode?: number;
}

/** What changes while a request is worked; instants are epoch milliseconds. */
export interface WorkProgress {
  readonly phase: WorkPhase;
  /** An execution goes on with it should this process not. */
  readonly handedOver: boolean;
  /** Tries to start tasks, the present one included. Each has a client token of its own. */
  readonly attempt: number;
  /** The present try has begun: it may have started tasks whose ARNs nobody has noted. */
  readonly intendedAt?: number | undefined;
  /** The first try. */
  readonly placingSince?: number | undefined;
  /** The last try came to its end. */
  readonly triedAt?: number | undefined;
  /** With its revision. */
  readonly taskDefinitionArn?: string | undefined;
  readonly taskArns: readonly string[];
  /** All tasks had been started. */
  readonly startedAt?: number | undefined;
  readonly failure?: WorkFailure | undefined;
  /** Ending or stopping is waited for until then. */
  readonly until?: number | undefined;
  /** AWS has not served our calls since. */
  readonly troubledSince?: number | undefined;
  /** The answer, the same one however often it is sent. */
  readonly response?: CustomResourceResponse | undefined;
}

/** The work for one request of CloudFormation. */
export interface TaskWork extends WorkProgress {
  readonly request: CustomResourceRequest;
  readonly receivedAt: number;
}

/** Work that has just been received. */
export function toNewWork(request: CustomResourceRequest, receivedAt: number): TaskWork {
  return { request, receivedAt, phase: "decide", handedOver: false, attempt: 1, taskArns: [] };
}
