import { defined } from "@stackyard/core";
import { findText, isOwn, placeOf, type SimCall, textOf } from "../sim-call.ts";
import { cutPage } from "../sim-fault.ts";
import {
  type CloudFormationState,
  findFailure,
  findStatusEvent,
  type SimStack,
  type StackContent,
  type StackEventRow,
  statusOf,
} from "./cloudformation-state.ts";
import { resolveReferences } from "./resolve-template.ts";
import { type Operation, type OperationInput, runOperation, STACK_TYPE } from "./run-operation.ts";
import { cloudFormationFaults as faults } from "./templates.ts";

/** "DescribeStackEvents" and "DescribeStacks" return pages of up to 1 MB; this number of rows approximates it. */
const PAGE = 100;
const STEP_MS = 1_000;

/** Returns a stack that is not deleted, by name. */
export function findLiveStack({ stacks }: CloudFormationState, name: string, call: SimCall): SimStack | undefined {
  return [...stacks.values()].find(
    (stack) => stack.name === name && isOwn(stack, call) && statusOf(stack, call.now) !== "DELETE_COMPLETE",
  );
}

/** Returns a stack by name, or by id, which also finds deleted ones. Throws if it does not exist. */
export function openStack(state: CloudFormationState, nameOrId: string, call: SimCall): SimStack {
  const byId = state.stacks.get(nameOrId);
  const found = byId !== undefined && isOwn(byId, call) ? byId : findLiveStack(state, nameOrId, call);
  if (found === undefined) throw faults.stackMissing(nameOrId);
  return found;
}

/** Creates the stack of a change set for a new one. */
export function beginStack({ stacks }: CloudFormationState, name: string, call: SimCall): SimStack {
  const number = String(stacks.size + 1).padStart(12, "0");
  const { account, region } = placeOf(call);
  const id = `arn:aws:cloudformation:${region}:${account}:stack/${name}/00000000-0000-4000-8000-${number}`;
  const review = {
    at: call.now,
    logicalId: name,
    type: STACK_TYPE,
    status: "REVIEW_IN_PROGRESS",
    reason: "User Initiated",
  };
  const stack: SimStack = {
    id,
    name,
    account,
    region,
    createdAt: call.now,
    content: undefined,
    resources: new Map(),
    events: [{ ...review, token: undefined }],
    changeSets: new Map(),
  };
  stacks.set(id, stack);
  return stack;
}

/** Implements DescribeStacks: one, or all that are not deleted, in pages. */
export function describeStacks(state: CloudFormationState, call: SimCall): unknown {
  const name = findText(call.input, "StackName");
  if (name !== undefined) return { Stacks: [toStack(openStack(state, name, call), call.now)] };
  const live = [...state.stacks.values()].filter(
    (stack) => isOwn(stack, call) && statusOf(stack, call.now) !== "DELETE_COMPLETE",
  );
  const { rows, next } = toPage(live, call);
  return { Stacks: rows.map((stack) => toStack(stack, call.now)), ...next };
}

function toStack(stack: SimStack, now: number) {
  const { content, createdAt, updatedAt, id, name } = stack;
  const { status, reason } = findStatusEvent(stack, now) ?? { status: "REVIEW_IN_PROGRESS", reason: undefined };
  return {
    StackId: id,
    StackName: name,
    StackStatus: status,
    CreationTime: new Date(createdAt),
    ...defined({
      LastUpdatedTime: updatedAt === undefined ? undefined : new Date(updatedAt),
      StackStatusReason: reason,
    }),
    ...(content === undefined ? { Tags: [] } : toContentFields(content, stack)),
  };
}

function toContentFields({ parameters, tags, template, resolved }: StackContent, stack: SimStack) {
  const place = { stackName: stack.name, region: stack.region, account: stack.account };
  const outputs = [...resolved.outputs].map(([key, value]) => {
    return [key, resolveReferences(value, resolved.resources, place)] as const;
  });
  return {
    ...defined({ Description: template.description }),
    Parameters: [...parameters].map(([ParameterKey, value]) => {
      // API reference, "Parameter": values of NoEcho parameters are asterisks.
      return { ParameterKey, ParameterValue: template.parameters[ParameterKey]?.NoEcho ? "****" : value };
    }),
    Tags: tags,
    Outputs: outputs.map(([OutputKey, value]) => {
      return { OutputKey, OutputValue: typeof value === "string" ? value : JSON.stringify(value) };
    }),
  };
}

/** Implements DescribeStackEvents: newest first, in pages; also of deleted stacks, by id. */
export function describeStackEvents(state: CloudFormationState, call: SimCall): unknown {
  const stack = openStack(state, textOf(call.input, "StackName"), call);
  const numbered = stack.events.map((event, index) => ({ event, index }));
  const seen = numbered.filter(({ event }) => event.at <= call.now).toReversed();
  const { rows, next } = toPage(seen, call);
  return { StackEvents: rows.map(({ event, index }) => toEvent(stack, event, index)), ...next };
}

function toEvent({ id, name }: SimStack, event: StackEventRow, index: number) {
  const { logicalId, type, status, reason, at, token } = event;
  return {
    StackId: id,
    StackName: name,
    EventId: `${logicalId}-${index}`,
    LogicalResourceId: logicalId,
    PhysicalResourceId: type === STACK_TYPE ? id : `${name}-${logicalId}`,
    ResourceType: type,
    ResourceStatus: status,
    Timestamp: new Date(at),
    ...defined({ ResourceStatusReason: reason, ClientRequestToken: token }),
  };
}

function toPage<Row>(rows: readonly Row[], { input }: SimCall) {
  const token = findText(input, "NextToken");
  const page = cutPage(rows, { size: PAGE, token }, () => faults.validation("Invalid NextToken"));
  return { rows: page.rows, next: defined({ NextToken: page.next }) };
}

/** Implements DeleteStack: what is not there is deleted too. */
export function deleteStack(state: CloudFormationState, call: SimCall): unknown {
  const { input, now } = call;
  const name = textOf(input, "StackName");
  const stack = state.stacks.get(name) ?? findLiveStack(state, name, call);
  if (stack === undefined || statusOf(stack, now) === "DELETE_COMPLETE") return {};
  const status = statusOf(stack, now);
  if (status !== "REVIEW_IN_PROGRESS" && status.endsWith("_IN_PROGRESS")) {
    throw faults.validation(`Stack [${stack.name}] cannot be deleted while in status ${status}`);
  }
  const changes = [...stack.resources].map(([logicalId, resource]) => {
    return { action: "Remove" as const, logicalId, resource, isReplaced: false };
  });
  const outcome = operateOn(state, stack, call, { kind: "delete", changes });
  if (outcome === "done") stack.resources = new Map();
  return {};
}

/** Plays an operation on a stack, and adds its events. */
export function operateOn(
  state: CloudFormationState,
  stack: SimStack,
  { input, now }: SimCall,
  operation: Pick<OperationInput, "kind" | "changes" | "retainsNew">,
): Operation["outcome"] {
  const { events, outcome } = runOperation({
    ...operation,
    stackName: stack.name,
    startAt: now,
    stepMs: STEP_MS,
    findFailure: (change, phase) => findFailure(state, change, phase),
  });
  const token = findText(input, "ClientRequestToken");
  stack.events = [...stack.events, ...events.map((event) => ({ ...event, token }))];
  return outcome;
}
