import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { callAws, runOptional } from "@stackyard/aws";
import { parseRequest } from "@stackyard/aws/custom-resource";
import { parseJson } from "@stackyard/core";
import Type, { type Static } from "typebox";
import { Check } from "typebox/value";
import { toExecutionName } from "./identity.ts";
import { type TaskWork, toNewWork, toProgress, withProgress } from "./progress.ts";
import type { TextCipher } from "./text-cipher.ts";
import type { EcsTaskDeps } from "./turn.ts";

/**
 * The input of an execution, which holds the request. `sealed`: the request and the progress with which it was handed
 * over, encrypted, because inputs can be read for 90 days: it contains the address of the response, and overrides may
 * contain secrets.
 */
const ExecutionInput = Type.Object({
  requestId: Type.String({ minLength: 1 }),
  sealed: Type.String({ minLength: 1 }),
  receivedAt: Type.Integer({ minimum: 0 }),
});
export type ExecutionInput = Static<typeof ExecutionInput>;

/** Returns the input of an execution from a value or its JSON; undefined for anything else. */
export function parseExecutionInput(value: unknown): ExecutionInput | undefined {
  const input = typeof value === "string" ? parseJson(value) : value;
  return Check(ExecutionInput, input) ? input : undefined;
}

/**
 * "Step Functions service quotas": 256 KiB for the input or result of a state. A step gets the input and the progress,
 * of which each needs its share.
 */
export const MAX_INPUT_BYTES = 180 * 1_024;

/** Encrypts the work for a request for its execution. Each call returns another text. */
export function sealRequest(cipher: TextCipher, work: TaskWork): ExecutionInput {
  const { request, receivedAt } = work;
  const { RequestId: requestId } = request;
  const sealed = cipher.seal(JSON.stringify({ request, progress: toProgress(work) }), toContext(requestId));
  return { requestId, sealed, receivedAt };
}

/** Decrypts the work for a request. Throws for a changed input, and for one that another secret has encrypted. */
export function openRequest(cipher: TextCipher, { requestId, sealed, receivedAt }: ExecutionInput): TaskWork {
  const opened = Object(parseJson(cipher.open(sealed, toContext(requestId))));
  const request = parseRequest(opened.request);
  if (request === undefined) throw new TypeError("The input of the execution contains no request.");
  return withProgress(toNewWork(request, receivedAt), opened.progress);
}

function toContext(requestId: string): string {
  return `ecs-task/request/${toExecutionName(requestId)}`;
}

type ExecutionDeps = Pick<EcsTaskDeps, "aws" | "stateMachineArn">;

/**
 * Starts the execution of a request. A request that comes again has the same name and another seal, so an execution that
 * exists already is a success.
 */
export async function startExecution(
  { aws, stateMachineArn }: ExecutionDeps,
  input: ExecutionInput,
  abortSignal: AbortSignal,
): Promise<void> {
  const name = toExecutionName(input.requestId);
  const command = new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) });
  const policy = { instead: { ExecutionAlreadyExists: undefined } };
  await callAws(() => aws(SFNClient).send(command, { abortSignal }), policy);
}

/** Returns the ARN of a request's execution. */
export function toExecutionArn(stateMachineArn: string, requestId: string): string {
  return `${stateMachineArn.replace(":stateMachine:", ":execution:")}:${toExecutionName(requestId)}`;
}

/** Loads an execution; undefined if it does not exist. A denied call throws at once, because all callers can do without. */
export async function findExecution(
  { aws }: ExecutionDeps,
  executionArn: string,
  abortSignal: AbortSignal,
): Promise<{ readonly isRunning: boolean; readonly input: ExecutionInput | undefined } | undefined> {
  const command = new DescribeExecutionCommand({ executionArn });
  const send = () => runOptional(() => aws(SFNClient).send(command, { abortSignal }));
  const found = await callAws(send, { instead: { ExecutionDoesNotExist: undefined } });
  return found && { isRunning: found.status === "RUNNING", input: parseExecutionInput(found.input) };
}
