import { findText, type SimCall } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";
import type { Execution } from "./executions.ts";

/** API reference, "ListExecutions" and "GetExecutionHistory": 100 without a word, 1,000 at most. */
const [DEFAULT_RESULTS, MAX_RESULTS] = [100, 1_000];

/** ListExecutions: those of one machine, the newest first. */
export function listExecutions(executions: readonly Execution[], call: SimCall): unknown {
  const [arn, status] = [findText(call.input, "stateMachineArn"), findText(call.input, "statusFilter")];
  const found = executions
    .filter((each) => each.machine.arn === arn && (status ?? each.status) === each.status)
    .toReversed()
    .toSorted((one, other) => other.startedAt - one.startedAt);
  const { items, next } = toPage(found, call);
  const listed = items.map(({ arn: executionArn, machine, name, status: now, startedAt, stoppedAt }) => ({
    executionArn,
    stateMachineArn: machine.arn,
    name,
    status: now,
    startDate: new Date(startedAt),
    ...(stoppedAt === undefined ? {} : { stopDate: new Date(stoppedAt) }),
  }));
  return { executions: listed, ...next };
}

/** GetExecutionHistory: all events, the oldest first unless `reverseOrder`. */
export function readHistory({ history }: Execution, call: SimCall): unknown {
  const { items, next } = toPage(call.input["reverseOrder"] === true ? history.toReversed() : history, call);
  return { events: items, ...next };
}

function toPage<Row>(rows: readonly Row[], { input }: SimCall) {
  const { maxResults = DEFAULT_RESULTS, nextToken } = input;
  const limit = Number(maxResults) === 0 ? DEFAULT_RESULTS : Number(maxResults);
  if (!Number.isInteger(limit) || limit < 0 || limit > MAX_RESULTS) {
    throw new SimFault("ValidationException", 400, `Value at 'maxResults' failed to satisfy constraint: ${maxResults}`);
  }
  const from = nextToken === undefined ? 0 : Number(/^sim-(\d+)$/.exec(String(nextToken))?.[1]);
  if (Number.isNaN(from)) throw new SimFault("InvalidToken", 400, `Invalid Token: 'Invalid token'`);
  const end = from + limit;
  return { items: rows.slice(from, end), next: end < rows.length ? { nextToken: `sim-${end}` } : {} };
}
