import { findNumber, findText, type SimCall } from "../sim-call.ts";
import { constraint, ssmFaults as faults } from "./ssm-faults.ts";

type Input = SimCall["input"];
type Check = (input: Input) => void;

/** Limits of texts. Source: API reference, "SendCommand". */
const LENGTHS: readonly (readonly [field: string, min: number, max: number])[] = [
  ["Comment", 0, 100],
  ["DocumentHash", 0, 256],
  ["OutputS3BucketName", 3, 63],
  ["OutputS3KeyPrefix", 0, 500],
  ["MaxConcurrency", 1, 7],
  ["MaxErrors", 1, 7],
];
const PATTERNS: readonly (readonly [field: string, pattern: RegExp])[] = [
  ["MaxConcurrency", /^([1-9][0-9]*|[1-9][0-9]%|[1-9]%|100%)$/],
  ["MaxErrors", /^([1-9][0-9]*|[0]|[1-9][0-9]%|[0-9]%|100%)$/],
  ["DocumentName", /^[a-zA-Z0-9_\-.:/]{3,128}$/],
  ["DocumentVersion", /^([$]LATEST|[$]DEFAULT|[1-9][0-9]*)$/],
];
const INSTANCE_ID = /^(i-(\w{8}|\w{17})|mi-\w{17})$/;
const MAX_IDS = 50;
const MAX_TARGETS = 5;
const MAX_TARGET_VALUES = 50;
/** "Target", Key: at most 163 characters. */
const TARGET_KEY = /^[\p{L}\p{Z}\p{N}_.:/=\-@]*$|resource-groups:ResourceTypeFilters|resource-groups:Name/u;
const MAX_TARGET_KEY = 163;
/** TimeoutSeconds: from 30 to 2,592,000. */
const MIN_DELIVERY = 30;
const MAX_DELIVERY = 2_592_000;

/** Refuses a SendCommand whose fields break the limits of the API. */
export function checkSend(input: Input): void {
  for (const check of CHECKS) check(input);
}

const CHECKS: readonly Check[] = [
  checkLengths,
  checkPatterns,
  checkTimeout,
  checkInstanceIds,
  checkTargets,
  checkOnlyOne,
];

function checkLengths(input: Input): void {
  for (const [field, min, max] of LENGTHS) {
    const text = findText(input, field);
    if (text === undefined) continue;
    const rule = `Member must have length ${text.length > max ? `less than or equal to ${max}` : `greater than or equal to ${min}`}`;
    if (text.length > max || text.length < min) throw constraint(toField(field), text, rule);
  }
}

function checkPatterns(input: Input): void {
  for (const [field, pattern] of PATTERNS) {
    const text = findText(input, field);
    if (text === undefined || pattern.test(text)) continue;
    throw constraint(toField(field), text, `Member must satisfy regular expression pattern: ${pattern.source}`);
  }
}

function checkTimeout(input: Input): void {
  const seconds = findNumber(input, "TimeoutSeconds");
  if (seconds === undefined || (seconds >= MIN_DELIVERY && seconds <= MAX_DELIVERY)) return;
  const rule =
    seconds < MIN_DELIVERY ? `greater than or equal to ${MIN_DELIVERY}` : `less than or equal to ${MAX_DELIVERY}`;
  throw constraint("timeoutSeconds", seconds, `Member must have value ${rule}`);
}

function checkInstanceIds(input: Input): void {
  const ids = listOf(input["InstanceIds"]);
  if (ids.length > MAX_IDS) {
    throw constraint("instanceIds", ids, `Member must have length less than or equal to ${MAX_IDS}`);
  }
  const wrong = ids.find((id) => !INSTANCE_ID.test(String(id)));
  if (wrong !== undefined) {
    throw constraint("instanceIds", ids, `Member must satisfy regular expression pattern: ${INSTANCE_ID.source}`);
  }
  const repeated = ids.find((id, index) => ids.indexOf(id) !== index);
  if (repeated !== undefined) throw faults.duplicateInstance(`${repeated} is listed twice.`);
}

function checkTargets(input: Input): void {
  const targets = listOf(input["Targets"]);
  if (targets.length > MAX_TARGETS) {
    throw constraint("targets", targets, `Member must have length less than or equal to ${MAX_TARGETS}`);
  }
  for (const target of targets) {
    const { Key = "", Values = [] } = Object(target);
    if (Key.length === 0 || Key.length > MAX_TARGET_KEY || !TARGET_KEY.test(Key)) {
      throw constraint("targets.1.member.key", Key, `Member must have length less than or equal to ${MAX_TARGET_KEY}`);
    }
    if (Values.length > MAX_TARGET_VALUES) {
      const rule = `Member must have length less than or equal to ${MAX_TARGET_VALUES}`;
      throw constraint("targets.1.member.values", Values, rule);
    }
  }
}

/** "Targets is required if you don't provide one or more managed node IDs." Both together are refused. */
function checkOnlyOne(input: Input): void {
  const [ids, targets] = [listOf(input["InstanceIds"]), listOf(input["Targets"])];
  if (ids.length > 0 === targets.length > 0) {
    throw faults.validation(
      ids.length > 0 ? "InstanceIds and Targets cannot be used together." : "InstanceIds or Targets is required.",
    );
  }
}

function toField(field: string): string {
  return `${field.slice(0, 1).toLowerCase()}${field.slice(1)}`;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
