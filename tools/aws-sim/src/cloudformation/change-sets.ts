import { isDeepStrictEqual } from "node:util";
import { toDnsSuffix, toPartition } from "@stackyard/core";
import { findText, type SimCall, textOf } from "../sim-call.ts";
import {
  type ChangeSet,
  type CloudFormationState,
  changeSetStatus,
  type SimStack,
  type StackContent,
  statusOf,
  type Tag,
} from "./cloudformation-state.ts";
import { findChanges, NAME_PROPERTIES, resolveTemplate } from "./resolve-template.ts";
import { beginStack, findLiveStack, openStack, operateOn } from "./stacks.ts";
import { cloudFormationFaults as faults, parseTemplate, type Template, toParameters } from "./templates.ts";

/** API reference, "CreateChangeSet": TemplateBody is at most 51,200 bytes, a name 128 characters. */
const MAX_INLINE_BYTES = 51_200;
const NAME = /^[a-zA-Z][-a-zA-Z0-9]{0,127}$/;
const READY_MS = 2_000;
/** Statuses in which a stack takes an update (user guide, "Update behaviors"; "ROLLBACK_COMPLETE: only delete"). */
const UPDATABLE = ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"];
/** Change sets without changes fail with this reason ("DescribeChangeSet", StatusReason). */
const NO_CHANGES =
  "The submitted information didn't contain changes. Submit different information to create a change set.";

/**
 * Implements CreateChangeSet. A repeat with the same ClientToken is the same one. A new stack is in REVIEW_IN_PROGRESS
 * until its change set is executed.
 */
export function createChangeSet(state: CloudFormationState, call: SimCall): unknown {
  const { input, now } = call;
  const name = textOf(input, "ChangeSetName");
  if (!NAME.test(name)) throw faults.validation(`Value '${name}' at 'changeSetName' failed to satisfy constraint`);
  const kind = findText(input, "ChangeSetType") === "CREATE" ? "create" : "update";
  const token = findText(input, "ClientToken");
  const stack = openForChange(state, call, kind);
  const known = stack.changeSets.get(name);
  if (known !== undefined && token !== undefined && known.token === token) return { Id: known.id, StackId: stack.id };
  if (known !== undefined) throw faults.changeSetExists(name);
  const template = parseTemplate(readTemplate(state, input));
  checkCapabilities(template, input["Capabilities"]);
  const content = toContent(template, stack, call);
  const changes = findChanges(stack.resources, content.resolved.resources);
  const isSame = changes.length === 0 && isDeepStrictEqual(toRest(stack.content), toRest(content));
  const failure = isSame ? NO_CHANGES : undefined;
  const id = `arn:aws:cloudformation:${call.region}:${call.identity.account}:changeSet/${name}/${stack.changeSets.size}`;
  const set: ChangeSet = { id, name, kind, token, content, changes, createdAt: now, readyAt: now + READY_MS, failure };
  stack.changeSets.set(name, set);
  return { Id: id, StackId: stack.id };
}

/** Returns the differences that an update can have apart from resources. */
function toRest(content: StackContent | undefined) {
  return [content?.tags ?? [], [...(content?.resolved.outputs ?? [])]];
}

function openForChange(state: CloudFormationState, call: SimCall, kind: "create" | "update"): SimStack {
  const name = textOf(call.input, "StackName");
  if (!NAME.test(name)) throw faults.validation(`Value '${name}' at 'stackName' failed to satisfy constraint`);
  const found = findLiveStack(state, name, call);
  if (found === undefined) {
    if (kind === "update") throw faults.validation(`Stack '${name}' does not exist`);
    return beginStack(state, name, call);
  }
  const status = statusOf(found, call.now);
  if (kind === "create" && status === "REVIEW_IN_PROGRESS") return found;
  const set = String(call.input["ChangeSetName"]);
  if (kind === "create") {
    throw faults.validation(`Stack [${name}] already exists and cannot be created again with the changeSet [${set}].`);
  }
  if (UPDATABLE.includes(status)) return found;
  throw faults.validation(`Stack:${found.id} is in ${status} state and can not be updated.`);
}

function readTemplate({ findObject }: CloudFormationState, input: SimCall["input"]): string {
  const body = findText(input, "TemplateBody");
  if (body !== undefined && Buffer.byteLength(body) > MAX_INLINE_BYTES) {
    const why = `Member must have length less than or equal to ${MAX_INLINE_BYTES}`;
    throw faults.validation(
      `1 validation error detected: Value at 'templateBody' failed to satisfy constraint: ${why}`,
    );
  }
  if (body !== undefined) return body;
  const url = findText(input, "TemplateURL");
  if (url === undefined) throw faults.validation("Either Template URL or Template Body must be specified.");
  const [, bucket = "", of = "", suffix, key = ""] =
    /^https:\/\/([^/]+?)\.s3[.-]([a-z0-9-]+)\.([a-z.]+)\/(.+)$/.exec(url) ?? [];
  if (bucket === "" || suffix !== toDnsSuffix(of)) throw faults.validation("TemplateURL must be a supported URL.");
  const found = findObject(bucket, decodeURIComponent(key));
  if (found === undefined) throw faults.validation("S3 error: The specified key does not exist.");
  return found;
}

/** Follows the user guide, "Acknowledging IAM resources in CloudFormation templates". */
function checkCapabilities({ resources }: Template, given: unknown): void {
  const has = (capability: string): boolean => Array.isArray(given) && given.includes(capability);
  const ofIam = Object.values(resources).filter(({ Type }) => Type.startsWith("AWS::IAM::"));
  const named = ofIam.some(({ Type, Properties = {} }) => (NAME_PROPERTIES[Type] ?? "") in Properties);
  if (named && !has("CAPABILITY_NAMED_IAM")) throw faults.capabilities("CAPABILITY_NAMED_IAM");
  if (ofIam.length > 0 && !has("CAPABILITY_IAM") && !has("CAPABILITY_NAMED_IAM")) {
    throw faults.capabilities("CAPABILITY_IAM");
  }
}

function toContent(
  template: Template,
  { content, name, id }: SimStack,
  { input, region, identity }: SimCall,
): StackContent {
  const parameters = toParameters(template, input["Parameters"], content?.parameters);
  const pseudo = {
    "AWS::Region": region,
    "AWS::AccountId": identity.account,
    "AWS::Partition": toPartition(region),
    "AWS::URLSuffix": toDnsSuffix(region),
    "AWS::StackName": name,
    "AWS::StackId": id,
  };
  const given = input["Tags"];
  const tags: readonly Tag[] = Array.isArray(given) ? given : (content?.tags ?? []);
  return { template, parameters, resolved: resolveTemplate(template, parameters, pseudo), tags };
}

function openChangeSet(state: CloudFormationState, call: SimCall): [SimStack, ChangeSet] {
  const name = textOf(call.input, "ChangeSetName");
  const stackName = findText(call.input, "StackName");
  const stacks = stackName === undefined ? [...state.stacks.values()] : [openStack(state, stackName, call)];
  for (const stack of stacks) {
    const found = [...stack.changeSets.values()].find((set) => set.name === name || set.id === name);
    if (found !== undefined) return [stack, found];
  }
  throw faults.changeSetMissing(name);
}

/** Implements DescribeChangeSet. */
export function describeChangeSet(state: CloudFormationState, call: SimCall): unknown {
  const [stack, set] = openChangeSet(state, call);
  const [Status, ExecutionStatus] = changeSetStatus(set, call.now);
  const isReady = Status !== "CREATE_IN_PROGRESS";
  return {
    ChangeSetId: set.id,
    ChangeSetName: set.name,
    StackId: stack.id,
    StackName: stack.name,
    Status,
    ExecutionStatus,
    CreationTime: new Date(set.createdAt),
    ...(Status === "FAILED" ? { StatusReason: set.failure } : {}),
    Changes: isReady ? set.changes.map(toChange) : [],
  };
}

function toChange({ action, logicalId, resource, isReplaced }: ChangeSet["changes"][number]) {
  const Replacement = action === "Modify" ? { Replacement: isReplaced ? "True" : "False" } : {};
  const ResourceChange = { Action: action, LogicalResourceId: logicalId, ResourceType: resource.type, ...Replacement };
  return { Type: "Resource", ResourceChange };
}

/**
 * Implements ExecuteChangeSet. The other change sets of the stack go with it. A repeat with the same ClientRequestToken
 * changes nothing.
 */
export function executeChangeSet(state: CloudFormationState, call: SimCall): unknown {
  const { now, input } = call;
  const [stack, set] = openChangeSet(state, call);
  const [status, execution] = changeSetStatus(set, now);
  const token = findText(input, "ClientRequestToken");
  if (set.executedAt !== undefined && token !== undefined && set.executedBy === token) return {};
  if (execution !== "AVAILABLE") throw faults.changeSetStatus(set.id, status === "FAILED" ? status : execution);
  const retainsNew = input["RetainExceptOnCreate"] !== true;
  const outcome = operateOn(state, stack, call, { kind: set.kind, changes: set.changes, retainsNew });
  set.executedAt = now;
  set.executedBy = token;
  if (set.kind === "update") stack.updatedAt = now;
  if (outcome === "done" || set.kind === "create") stack.content = set.content;
  if (outcome === "done") stack.resources = set.content.resolved.resources;
  return {};
}

/**
 * Implements DeleteChangeSet: what is not there is deleted too; the stack of a first one stays in REVIEW_IN_PROGRESS.
 */
export function deleteChangeSet(state: CloudFormationState, call: SimCall): unknown {
  const [stack, set] = openChangeSet(state, call);
  stack.changeSets.delete(set.name);
  return {};
}
