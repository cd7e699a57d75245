import {
  DescribeExecutionCommand,
  type ExecutionListItem,
  type ExecutionStatus,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  paginateListExecutions,
  type SFNClient,
} from "@aws-sdk/client-sfn";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import { StackyardError } from "@stackyard/core";
import type { Release } from "@stackyard/sdk/releases";
import { readExecution } from "./read-execution.ts";

/** One state machine, and the client for it. */
export interface ExecutionsInput {
  readonly sfn: SFNClient;
  /** Of the state machine. */
  readonly machineArn: string;
  readonly signal: AbortSignal;
}

/** All pages of a state machine's executions, the newest first. */
export async function* listExecutions(
  { sfn, machineArn, signal }: ExecutionsInput,
  status?: ExecutionStatus,
): AsyncGenerator<ExecutionListItem, void> {
  const request = { stateMachineArn: machineArn, maxResults: 1_000, ...(status && { statusFilter: status }) };
  try {
    // Pages are asked for one by one: who has enough stops.
    for await (const page of paginateListExecutions({ client: sfn }, request, { abortSignal: signal })) {
      yield* page.executions ?? [];
    }
  } catch (error) {
    throw toAwsError(error, `The executions of ${machineArn} cannot be listed.`);
  }
}

/** One execution as a release; with its newest thousand events where they are wanted. Throws `NOT_FOUND`. */
export async function loadExecution(
  input: ExecutionsInput,
  name: string,
  { history }: { readonly history: boolean },
): Promise<Release> {
  const { sfn, machineArn, signal } = input;
  const executionArn = `${machineArn.replace(":stateMachine:", ":execution:")}:${name}`;
  const [, , , region = "", account = ""] = machineArn.split(":");
  try {
    const found = await sfn.send(new DescribeExecutionCommand({ executionArn }), { abortSignal: signal });
    const events = history ? await loadEvents(input, executionArn) : undefined;
    const { status = "RUNNING", startDate = new Date(0), stopDate, error } = found;
    return readExecution({
      name,
      status,
      startedAt: startDate,
      account,
      region,
      ...(found.input === undefined ? {} : { input: found.input }),
      ...(stopDate && { endedAt: stopDate }),
      ...(error === undefined ? {} : { error }),
      ...(events && { events }),
    });
  } catch (error) {
    if (findAwsFault(error).name === "ExecutionDoesNotExist") {
      throw new StackyardError("NOT_FOUND", `There is no execution "${name}" of ${machineArn}.`, { cause: error });
    }
    throw toAwsError(error, `The execution "${name}" cannot be read.`);
  }
}

/** What an execution was started with; empty where that is no object. */
export async function loadDocument(
  { sfn, machineArn, signal }: ExecutionsInput,
  name: string,
): Promise<Readonly<Record<string, unknown>>> {
  const executionArn = `${machineArn.replace(":stateMachine:", ":execution:")}:${name}`;
  try {
    const { input = "" } = await sfn.send(new DescribeExecutionCommand({ executionArn }), { abortSignal: signal });
    return { ...Object(JSON.parse(input)) };
  } catch (error) {
    throw toAwsError(error, `What the execution "${name}" was started with cannot be read.`);
  }
}

const EVENTS = 1_000;

async function loadEvents({ sfn, signal }: ExecutionsInput, executionArn: string): Promise<readonly HistoryEvent[]> {
  const request = { executionArn, reverseOrder: true, maxResults: EVENTS };
  const { events = [] } = await sfn.send(new GetExecutionHistoryCommand(request), { abortSignal: signal });
  return events;
}
