import { randomUUID } from "node:crypto";
import { type Clock, defined } from "@stackyard/core";
import { type AwsEvent, toAwsEvent } from "../event-bridge.ts";
import { jsonFaults } from "../service-faults.ts";
import { findText, type SimCall, type SimService, textOf } from "../sim-call.ts";
import { cutPage, SimFault } from "../sim-fault.ts";
import { type Execution, type ExecutionDeps, type Machine, startExecution } from "./executions.ts";
import { checkDefinition, type Definition } from "./to-local-definition.ts";

/** Standard workflows that really run, on the clock of the simulation; their functions are those of `sim.lambda`. */
export interface SimStepFunctions {
  readonly service: SimService;
  /** Gives the ARN. The definition as an object, or as its JSON; throws `InvalidDefinition`. */
  addStateMachine(input: Omit<Machine, "arn" | "definition"> & { readonly definition: object | string }): string;
  readonly executions: readonly Execution[];
}

/** What it needs of the rest. */
interface StepFunctionsDeps {
  readonly clock: Clock;
  readonly lambda: SimService;
  readonly onEvent: (event: AwsEvent) => void;
}

interface StepFunctionsState extends StepFunctionsDeps {
  readonly machines: Map<string, Machine>;
  readonly executions: Execution[];
}

/** "Step Functions service quotas": 256 KiB of input, names of 80 characters, which are free again after 90 days. */
const MAX_INPUT_BYTES = 262_144;
const NAME_KEPT_MS = 90 * 86_400_000;
/** API reference, "StartExecution", `name`. */
const NAME = /^[^\s{}[\]?*"#%\\^|~`$&,;:/\p{Cc}\p{Cs}\uFFFE\uFFFF]{1,80}$/u;

/**
 * Creates Step Functions. Sources: API reference, "StartExecution", "DescribeExecution", "StopExecution",
 * "ListExecutions".
 */
export function createStepFunctions(deps: StepFunctionsDeps): SimStepFunctions {
  const state: StepFunctionsState = { ...deps, machines: new Map(), executions: [] };
  return {
    service: {
      operations: {
        StartExecution: (call) => start(state, call),
        DescribeExecution: (call) => toDescription(openExecution(state, call)),
        ListExecutions(call) {
          openMachine(state, textOf(call.input, "stateMachineArn"));
          return listExecutions(state.executions, call);
        },
        GetExecutionHistory: (call) => readHistory(openExecution(state, call), call),
      },
      toAction: (operation) => `states:${operation}`,
      faults: jsonFaults,
    },
    addStateMachine({ definition, ...input }) {
      const arn = `arn:aws:states:${input.region}:${input.account}:stateMachine:${input.name}`;
      const parsed: Definition = typeof definition === "string" ? JSON.parse(definition) : definition;
      checkDefinition(parsed);
      state.machines.set(arn, { ...input, arn, definition: parsed });
      return arn;
    },
    executions: state.executions,
  };
}

/**
 * Starts an execution. The same name and input as a running one return the same result; other uses of a taken name
 * fail.
 */
function start(state: StepFunctionsState, { input, now }: SimCall): unknown {
  const arn = textOf(input, "stateMachineArn");
  const name = findText(input, "name") ?? randomUUID();
  const text = findText(input, "input") ?? "{}";
  if (!/^arn:aws[a-z-]*:states:[^:]+:\d{12}:stateMachine:/.test(arn))
    throw fault("InvalidArn", `Invalid Arn: '${arn}'`);
  if (!NAME.test(name)) throw fault("InvalidName", `Invalid Name: '${name}'`);
  if (!isJson(text) || Buffer.byteLength(text) > MAX_INPUT_BYTES)
    throw fault("InvalidExecutionInput", "Invalid input.");
  const machine = openMachine(state, arn);
  const taken = state.executions.findLast((each) => {
    return each.machine === machine && each.name === name && now < (each.stoppedAt ?? now) + NAME_KEPT_MS;
  });
  if (taken !== undefined && (taken.status !== "RUNNING" || taken.input !== text)) {
    throw fault("ExecutionAlreadyExists", `Execution Already Exists: '${taken.arn}'`);
  }
  const execution = taken ?? startExecution(machine, { name, input: text }, toDeps(state, machine));
  if (taken === undefined) state.executions.push(execution);
  return { executionArn: execution.arn, startDate: new Date(execution.startedAt) };
}

function openMachine({ machines }: StepFunctionsState, arn: string): Machine {
  const machine = machines.get(arn);
  if (machine === undefined) throw fault("StateMachineDoesNotExist", `State Machine Does Not Exist: '${arn}'`);
  return machine;
}

function openExecution({ executions }: StepFunctionsState, { input }: SimCall): Execution {
  const arn = textOf(input, "executionArn");
  const found = executions.findLast((each) => each.arn === arn);
  if (found === undefined) throw fault("ExecutionDoesNotExist", `Execution Does Not Exist: '${arn}'`);
  return found;
}

function toDescription(execution: Execution) {
  const { input, output, error, cause } = execution;
  return { ...toListItem(execution), input, ...defined({ output, error, cause }) };
}

function toListItem({ arn, machine, name, status, startedAt, stoppedAt }: Execution) {
  return defined({
    executionArn: arn,
    stateMachineArn: machine.arn,
    name,
    status,
    startDate: new Date(startedAt),
    stopDate: stoppedAt === undefined ? undefined : new Date(stoppedAt),
  });
}

function toDeps({ clock, lambda, onEvent }: StepFunctionsState, machine: Machine): ExecutionDeps {
  return {
    clock,
    invoke: (name, payload) => invokeFunction(lambda, { machine, now: clock.now() }, name, payload),
    onChange: (execution) => onEvent(toStatusEvent(execution, clock.now())),
  };
}

/** Follows the developer guide, "Step Functions execution status change events". */
function toStatusEvent({ arn, machine, name, ...facts }: Execution, at: number): AwsEvent {
  const { status, input, output = null, startedAt, stoppedAt = null } = facts;
  return toAwsEvent({
    account: machine.account,
    region: machine.region,
    at,
    source: "aws.states",
    detailType: "Step Functions Execution Status Change",
    resources: [arn],
    detail: {
      executionArn: arn,
      stateMachineArn: machine.arn,
      name,
      status,
      input,
      output,
      startDate: startedAt,
      stopDate: stoppedAt,
      error: facts.error ?? null,
      cause: facts.cause ?? null,
    },
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function fault(name: string, message: string): SimFault {
  return new SimFault(name, 400, message);
}

/**
 * Invokes a function and waits for it. Errors have the names that definitions catch: the function's own, or `Lambda.` and
 * that of the service (developer guide, "Handling errors in Step Functions workflows").
 */
async function invokeFunction(
  lambda: SimService,
  { machine, now }: { readonly machine: Machine; readonly now: number },
  FunctionName: string,
  payload: unknown,
): Promise<unknown> {
  const { account, region } = machine;
  const arn = `arn:aws:sts::${account}:assumed-role/states/${machine.name}`;
  const identity = { arn, account, isRole: true, allow: ["*"], tags: {} };
  const input = { FunctionName, Payload: JSON.stringify(payload) };
  const call = { operation: "Invoke", input, region, identity, now };
  const { FunctionError, Payload } = await invoke(lambda, call);
  const answer = JSON.parse(Buffer.from(Payload).toString());
  if (FunctionError === undefined) return answer;
  throw Object.assign(new Error(JSON.stringify(answer)), { name: answer.errorType });
}

async function invoke(
  lambda: SimService,
  call: SimCall,
): Promise<{ readonly FunctionError?: string; readonly Payload: Uint8Array }> {
  try {
    return Object(await lambda.operations["Invoke"]?.(call));
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    throw Object.assign(new Error(message), { name: `Lambda.${name}` });
  }
}

/** API reference, "ListExecutions" and "GetExecutionHistory": 100 without a word, 1,000 at most. */
const [DEFAULT_RESULTS, MAX_RESULTS] = [100, 1_000];

/** Implements ListExecutions: those of one machine, the newest first. */
function listExecutions(executions: readonly Execution[], call: SimCall): unknown {
  const [arn, status] = [findText(call.input, "stateMachineArn"), findText(call.input, "statusFilter")];
  const found = executions
    .filter((each) => each.machine.arn === arn && (status ?? each.status) === each.status)
    .toReversed()
    .toSorted((one, other) => other.startedAt - one.startedAt);
  const { items, next } = toPage(found, call);
  return { executions: items.map(toListItem), ...next };
}

/** Implements GetExecutionHistory: all events, the oldest first unless `reverseOrder`. */
function readHistory({ history }: Execution, call: SimCall): unknown {
  const { items, next } = toPage(call.input["reverseOrder"] === true ? history.toReversed() : history, call);
  return { events: items, ...next };
}

function toPage<Row>(rows: readonly Row[], { input }: SimCall) {
  const { maxResults = DEFAULT_RESULTS } = input;
  const limit = Number(maxResults) === 0 ? DEFAULT_RESULTS : Number(maxResults);
  if (!Number.isInteger(limit) || limit < 0 || limit > MAX_RESULTS) {
    throw new SimFault("ValidationException", 400, `Value at 'maxResults' failed to satisfy constraint: ${maxResults}`);
  }
  const unknown = () => fault("InvalidToken", "Invalid Token: 'Invalid token'");
  const { rows: items, next } = cutPage(rows, { size: limit, token: findText(input, "nextToken") }, unknown);
  return { items, next: defined({ nextToken: next }) };
}
