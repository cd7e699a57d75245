import { hash } from "node:crypto";
import { StackyardError } from "../../errors/stackyard-error.ts";
import { parseAttemptId, toIdempotencyText } from "../../machine/attempt-id.ts";
import { defined } from "../../machine/json.ts";
import type { Clock } from "../../ports/clock.ts";
import type {
  AttemptAccess,
  AwsCredentials,
  ClientConstructor,
  ExecutorContext,
  Logger,
  ProvidedService,
  ServiceKey,
  Target,
} from "../../ports/executor.ts";
import type { Leases, Records } from "../../ports/records.ts";
import { findTarget } from "./find-target.ts";
import { guardClient, type LeaseCheck, requireHeld } from "./guarded-client.ts";
import type { ResolvedMessage } from "./resolve-secrets.ts";
import { toAttemptPassword } from "./shared-key.ts";

/** The access of a runner to AWS for a target. Implemented by the package that imports the SDK. */
export interface AwsAccess {
  client<Client>(client: ClientConstructor<Client>, target: Target | undefined): Client;
  credentials(target: Target | undefined): Promise<AwsCredentials>;
}

/** Dependencies that all contexts of a runner share. */
export interface ContextDeps {
  readonly clock: Clock;
  readonly records: Records;
  readonly leases: Leases;
  readonly aws?: AwsAccess;
  readonly services?: readonly ProvidedService[];
}

/** The input that is specific to one call. */
export interface CallInput {
  readonly message: ResolvedMessage;
  /** The sensitive values in the message. Default: none. */
  readonly secrets?: readonly unknown[];
  readonly token: number;
  readonly deadlineAt: number;
  readonly logger: Logger;
  readonly signal: () => AbortSignal;
  /** Checks the lease before each request to AWS. */
  readonly confirm: () => Promise<LeaseCheck>;
  readonly cancelling: boolean;
  readonly report: (line: string) => void;
}

/** Creates the context of one call to an executor. */
export function createExecutorContext(deps: ContextDeps, call: CallInput): ExecutorContext {
  const { stack, task, dispatch } = call.message;
  const target = findTarget(call.message);
  return {
    stackId: stack.id,
    machine: stack.machine,
    task: task.name,
    attempt: { id: dispatch.id, number: dispatch.attempt, token: call.token },
    ...defined({ target }),
    metadata: stack.metadata,
    ...defined({ secrets: call.secrets }),
    state: stack._state,
    previousState: stack.previousState,
    // Few executors read these two, and each of them costs more than the rest of the context.
    get idempotencyKey() {
      return toIdempotencyKey(dispatch.id);
    },
    get signal() {
      return call.signal();
    },
    cancelling: call.cancelling,
    deadlineAt: call.deadlineAt,
    logger: call.logger,
    report: call.report,
    clock: deps.clock,
    records: deps.records,
    leases: deps.leases,
    service: <Service>({ name }: ServiceKey<Service>) => {
      const provided = deps.services?.find((service) => service.name === name);
      // `provideService` has checked the type by the same key.
      return provided?.create(toAttemptAccess(deps, call)) as Service | undefined;
    },
    aws: (client, region) => guardClient(requireAws(deps).client(client, toRegion(target, region)), call.confirm),
    credentials() {
      const access = requireAws(deps);
      return requireHeld(call.confirm).then(() => access.credentials(target));
    },
  };
}

/**
 * Returns the idempotency key of an attempt. An id that the engine did not create has no parts. It names one message,
 * which is enough for the key to be unique.
 */
function toIdempotencyKey(attemptId: string): string {
  const parts = parseAttemptId(attemptId);
  // The same as `shortHashOf`, which also runs in a browser, and several times as fast.
  return hash("sha256", parts === undefined ? attemptId : toIdempotencyText(parts), "hex").slice(0, 32);
}

function toAttemptAccess({ records, clock }: ContextDeps, { message, token }: CallInput): AttemptAccess {
  const attemptId = message.dispatch.id;
  return { attemptId, password: () => toAttemptPassword(records, { attemptId, token }, clock.now()) };
}

function toRegion(target: Target | undefined, region: string | undefined): Target | undefined {
  if (region === undefined) return target;
  if (target !== undefined) return { ...target, region };
  throw new StackyardError("CONFIG_INVALID", `The task has no target, so it cannot reach ${region}. Add a target.`);
}

function requireAws({ aws }: ContextDeps): AwsAccess {
  if (aws !== undefined) return aws;
  throw new StackyardError(
    "CONFIG_INVALID",
    "This runner has no access to AWS. Configure AWS access, or run the task locally.",
  );
}
