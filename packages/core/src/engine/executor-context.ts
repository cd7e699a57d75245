import { StackyardError } from "../errors/stackyard-error.ts";
import { idempotencyKeyOf, parseAttemptId, shortHashOf } from "../machine/decide/open-runs.ts";
import type { Clock } from "../ports/clock.ts";
import type { ProvidedService } from "../ports/define-executor.ts";
import type {
  AttemptAccess,
  AwsCredentials,
  ClientConstructor,
  ExecutorContext,
  ServiceKey,
  Target,
} from "../ports/executor.ts";
import type { Leases } from "../ports/leases.ts";
import type { Logger } from "../ports/logger.ts";
import type { Records } from "../ports/records.ts";
import { toAttemptPassword } from "./attempt-password.ts";
import type { ResolvedMessage } from "./resolve-secrets.ts";
import { findTarget } from "./task-target.ts";

/** How a runner reaches AWS for a target; given by the package that knows the SDK. */
export interface AwsAccess {
  client<Client>(client: ClientConstructor<Client>, target: Target | undefined): Client;
  credentials(target: Target | undefined): Promise<AwsCredentials>;
}

/** What all contexts of a runner share. */
export interface ContextDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly records: Records;
  readonly leases: Leases;
  readonly aws?: AwsAccess;
  readonly services?: readonly ProvidedService[];
}

/** What one call adds. */
export interface CallInput {
  readonly message: ResolvedMessage;
  readonly token: number;
  readonly deadlineAt: number;
  readonly signal: AbortSignal;
  readonly cancelling: boolean;
  readonly report: (line: string) => void;
}

/** The context of one call to an executor. */
export function createExecutorContext(deps: ContextDeps, call: CallInput): ExecutorContext {
  const { stack, task, dispatch } = call.message;
  const parts = parseAttemptId(dispatch.id);
  const target = findTarget(call.message);
  return {
    stackId: stack.id,
    machine: stack.machine,
    task: task.name,
    attempt: { id: dispatch.id, number: dispatch.attempt, token: call.token },
    ...(target === undefined ? {} : { target }),
    metadata: stack.metadata,
    state: stack._state,
    previousState: stack.previousState,
    // An id that no engine made has no parts; it names one message, and that is what the key is to tell apart.
    idempotencyKey: parts === undefined ? shortHashOf(dispatch.id) : idempotencyKeyOf(parts),
    signal: call.signal,
    cancelling: call.cancelling,
    deadlineAt: call.deadlineAt,
    logger: deps.logger,
    report: call.report,
    clock: deps.clock,
    records: deps.records,
    leases: deps.leases,
    service: <Service>({ name }: ServiceKey<Service>) => {
      const provided = deps.services?.find((service) => service.name === name);
      // `provideService` has checked the type by the same key.
      return provided?.create(toAttemptAccess(deps, call)) as Service | undefined;
    },
    aws: (client) => requireAws(deps).client(client, target),
    credentials: () => requireAws(deps).credentials(target),
  };
}

function toAttemptAccess({ records, clock }: ContextDeps, { message, token }: CallInput): AttemptAccess {
  const attemptId = message.dispatch.id;
  return { attemptId, password: () => toAttemptPassword(records, { attemptId, token }, clock.now()) };
}

function requireAws({ aws }: ContextDeps): AwsAccess {
  if (aws !== undefined) return aws;
  throw new StackyardError(
    "CONFIG_INVALID",
    "This runner has no access to AWS. Run the task where AWS access is configured, or use a local form of it.",
  );
}
