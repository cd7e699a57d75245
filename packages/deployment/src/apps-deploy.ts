import type { Parameter } from "@aws-sdk/client-cloudformation";
import {
  type CommandOutput,
  defineCommand,
  optionalFlag,
  optionalInteger,
  optionalText,
  parseJsonOr,
  StackyardError,
} from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { type AppsContext, choosePlace, placeArgs } from "./apps-command.ts";
import {
  findCode,
  findLatest,
  findRememberedPlace,
  listPublished,
  loadTemplate,
  type Place,
} from "./published-objects.ts";
import {
  type DeployInput,
  type DeployResult,
  deployStack,
  findDeployedPlace,
  findStack,
  listStacks,
  type ResourceEvent,
  STACK_TAGS,
  type StackFacts,
  toStackName,
} from "./stack.ts";

const Args = Type.Object({
  name: Type.String({
    pattern: "^[a-z][a-z0-9-]{0,62}$",
    expected: "a name such as state-manager",
    description: "A template: yard, state-manager, task-runner",
  }),
  parameter: Type.Optional(
    Type.Array(Type.String(), { placeholder: "name=value", description: "Of the template, may be repeated." }),
  ),
  tag: Type.Optional(
    Type.Array(Type.String(), {
      placeholder: "key=value",
      description: "Of the stack, may be repeated. Others are kept.",
    }),
  ),
  release: optionalText("Default: the one published last, unless it is older than the stack's.", {
    placeholder: "version",
  }),
  stack: optionalText("The stack's name. Default: stackyard-YARD, or stackyard-YARD-NAME."),
  dryRun: optionalFlag("Print what would change and change nothing."),
  minutes: optionalInteger("How many minutes to wait. Default: 60.", { minimum: 1, maximum: 720 }),
  ...placeArgs,
});
type Args = Static<typeof Args>;

const DEFAULT_MINUTES = 60;

/** `apps deploy`: creates or updates the stack of a template, with progress by resource. */
export const appsDeploy = defineCommand({
  name: "apps deploy",
  summary: "Create or update the CloudFormation stack of a template of ours.",
  args: Args,
  run: deploy,
});

async function deploy(context: AppsContext, args: Args): Promise<number> {
  const { out, aws, signal } = context;
  const input = await prepareInput(context, args);
  printRelease(out, input);
  const result = await deployStack(aws.cloudFormation, input, {
    clock: aws.clock,
    signal,
    timeoutMs: (args.minutes ?? DEFAULT_MINUTES) * 60_000,
    onEvent: (event) => printEvent(out, event),
  });
  printResult(context, input, result);
  return 0;
}

async function prepareInput(context: AppsContext, args: Args): Promise<DeployInput> {
  const { aws, dataDir, yard } = context;
  const given = parseGiven(args.parameter ?? []);
  if ("refusal" in given) throw new StackyardError("USAGE", given.refusal);
  const name = args.stack ?? toStackName(yard, args.name);
  const existing = await findStack(aws.cloudFormation, name);
  if (existing !== undefined) requireOwn(existing, { template: args.name, yard });
  const place = choosePlace(args, [existing && findDeployedPlace(existing), await findRememberedPlace(dataDir)]);
  const release = args.release ?? (await findNewest(context, place, args.name));
  if (args.release === undefined) refuseToGoBack(name, existing?.tags.get(STACK_TAGS.release), release);
  const { text, url } = await loadTemplate(aws.s3, place, args.name, release);
  const template = parseTemplateParameters(text);
  const plan = planParameters({
    template,
    given,
    filled: await fillParameters(context, { place, release, template, given }),
    previous: isMade(existing) ? existing.parameters : new Map(),
    offered: await findOffered(context, name),
  });
  if (plan.kind === "refused") {
    const hint = "Give values with --parameter Name=value.";
    throw new StackyardError("CONFIG_INVALID", plan.faults.join("\n"), { details: { hint } });
  }
  const tags = {
    ...keepTags(existing),
    ...parseTags(args.tag ?? []),
    [STACK_TAGS.template]: args.name,
    [STACK_TAGS.yard]: yard,
    [STACK_TAGS.release]: release,
    [STACK_TAGS.bucket]: place.bucket,
    [STACK_TAGS.prefix]: place.prefix,
  };
  const namesRoles = text.includes('"RoleName"');
  const { parameters } = plan;
  return { name, existing, templateUrl: url, namesRoles, parameters, tags, dryRun: args.dryRun === true };
}

/** Returns the tags of a stack that others may have set: a list in a request replaces all. Those of AWS cannot be set. */
function keepTags(existing: StackFacts | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries([...(existing?.tags ?? [])].filter(([key]) => !key.startsWith("aws:")));
}

function parseTags(words: readonly string[]): Readonly<Record<string, string>> {
  const entries = words.map((word) => {
    const at = word.indexOf("=");
    if (at < 1) throw new StackyardError("USAGE", `--tag takes key=value, not "${word}".`);
    return [word.slice(0, at), word.slice(at + 1)] as const;
  });
  return Object.fromEntries(entries);
}

const VERSION = /^(\d+)\.(\d+)\.(\d+)$/;

/** The release that was published last may be a fix of an older line, published for another yard. */
function refuseToGoBack(stack: string, from: string | undefined, to: string): void {
  const [before, after] = [VERSION.exec(from ?? ""), VERSION.exec(to)];
  if (before === null || after === null) return;
  const toNumbers = (parts: readonly string[]) => parts.slice(1).map(Number);
  const [old, next] = [toNumbers(before), toNumbers(after)];
  const at = old.findIndex((part, index) => part !== next[index]);
  if (at === -1 || (old[at] ?? 0) < (next[at] ?? 0)) return;
  const hint = `Pass --release ${to} to go back, or --release ${from} to stay.`;
  const message = `The stack ${stack} is of release ${from}, and the one published last is the older ${to}.`;
  throw new StackyardError("PLAN_STALE", message, { details: { hint } });
}

function printRelease(out: CommandOutput, { name, existing, tags }: DeployInput): void {
  const from = existing?.tags.get(STACK_TAGS.release);
  const to = tags[STACK_TAGS.release] ?? "";
  if (from === undefined) out.note(`${name}: release ${to}`);
  else out.note(from === to ? `${name}: release ${to}, as before` : `${name}: release ${from} → ${to}`);
}

/** Returns the outputs of the yard's other stacks: a separate runner finds the queues of its state manager there. */
async function findOffered({ aws, yard }: AppsContext, name: string): Promise<ReadonlyMap<string, string>> {
  const stacks = await listStacks(aws.cloudFormation);
  const others = stacks.filter((stack) => stack.tags.get(STACK_TAGS.yard) === yard && stack.name !== name);
  return new Map(others.flatMap(({ outputs }) => Object.entries(outputs)));
}

/** Refuses a stack that is something else: another template would delete its resources. */
function requireOwn(
  { name, status, tags }: StackFacts,
  own: { readonly template: string; readonly yard: string },
): void {
  const isSame = tags.get(STACK_TAGS.template) === own.template && tags.get(STACK_TAGS.yard) === own.yard;
  // A stack that was never created has nothing to lose.
  if (isSame || status === "REVIEW_IN_PROGRESS") return;
  const found = tags.get(STACK_TAGS.template);
  const what =
    found === undefined
      ? "was not deployed by this command"
      : `is "${found}" of the yard "${tags.get(STACK_TAGS.yard)}"`;
  const message = `The stack ${name} ${what}, and an update to "${own.template}" of the yard "${own.yard}" can delete its resources.`;
  const marks = `${STACK_TAGS.template}=${own.template} and ${STACK_TAGS.yard}=${own.yard}`;
  const hint = `Pass another name with --stack. If you have created this stack from the same template, add the tags ${marks} to it.`;
  throw new StackyardError("RECORD_CONFLICT", message, { details: { hint } });
}

/** Returns true for an existing stack. One that was rolled back or never created has no values to keep. */
function isMade(stack: StackFacts | undefined): stack is StackFacts {
  return stack !== undefined && !/^(REVIEW_IN_PROGRESS|ROLLBACK_COMPLETE)$/.test(stack.status);
}

async function findNewest({ aws }: AppsContext, place: Place, name: string): Promise<string> {
  const found = findLatest(await listPublished(aws.s3, place), name);
  if (found !== undefined) return found;
  const hint = "Publish a release first: `stackyard apps publish`. `stackyard apps ls` lists the published releases.";
  throw new StackyardError("NOT_FOUND", `No template "${name}" is published in s3://${place.bucket}/${place.prefix}.`, {
    details: { hint },
  });
}

interface FillInput extends Pick<ParameterSources, "template" | "given"> {
  readonly place: Place;
  readonly release: string;
}

async function fillParameters({ aws, yard }: AppsContext, input: FillInput): Promise<ReadonlyMap<string, string>> {
  const { place, release, template, given } = input;
  const filled = new Map([
    ["CodeBucket", place.bucket],
    ["YardName", yard],
  ]);
  for (const [start, app] of findCodeApps(template)) {
    // Custom code: the object need not be one of ours.
    if (given.has(`${start}CodeKey`)) continue;
    const { key, versionId } = await findCode(aws.s3, place, app, release);
    filled.set(`${start}CodeKey`, key).set(`${start}CodeVersion`, versionId);
  }
  return filled;
}

function printEvent(out: CommandOutput, { at, logicalId, type, status, reason }: ResourceEvent): void {
  const event = { kind: "resource", at, logicalId, type, status, reason: reason ?? null };
  const text = `${at.slice(11, 19)}  ${status}  ${logicalId}  ${type}`;
  out.progress(event, () => text);
  if (status.endsWith("_FAILED")) out.note(`${logicalId}: ${reason ?? status}`);
}

function printResult({ out, yard }: AppsContext, { name }: DeployInput, result: DeployResult): void {
  if (result.kind === "unchanged") {
    out.result({ stack: name, result: "unchanged" }, () => `${name} is up to date: nothing to change.`);
  } else if (result.kind === "planned") {
    const lines = result.changes.map(
      ({ action, logicalId, type, replacement }) =>
        `${action.padEnd(6)}  ${logicalId}  ${type}${replacement === "True" ? "  is replaced" : ""}`,
    );
    out.result({ stack: name, result: "planned", changes: result.changes }, () =>
      [`${name}: ${result.changes.length} changes, none made.`, ...lines].join("\n"),
    );
  } else {
    const outputs = result.stack?.outputs ?? {};
    const lines = Object.entries(outputs).map(([key, value]) => `  ${key}  ${value}`);
    out.result({ stack: name, result: result.kind, outputs }, () =>
      [`${name} is ${result.kind}.`, ...lines].join("\n"),
    );
    const entry = toYardEntry(yard, result.stack);
    if (entry !== undefined)
      out.note(`\nFor "yards" in stackyard.config.ts, so that --yard ${yard} reaches it:\n${entry}`);
  }
}

/** The sources of values for a template's parameters. */
export interface ParameterSources {
  readonly template: TemplateParameters;
  /** By the person who deploys. */
  readonly given: ReadonlyMap<string, string>;
  /** From the deployment: bucket, keys, yard. */
  readonly filled: ReadonlyMap<string, string>;
  /** The values that the stack has; empty for a new stack. */
  readonly previous: ReadonlyMap<string, string>;
  /** From other stacks of the yard, with outputs named like parameters. */
  readonly offered: ReadonlyMap<string, string>;
}

/** All values, or all faults. */
type ParameterPlan =
  | { readonly kind: "planned"; readonly parameters: readonly Parameter[] }
  | { readonly kind: "refused"; readonly faults: readonly string[] };

/**
 * Assigns each parameter of the template its value: the given one, else the filled one, else the stack's previous one,
 * else that of another stack of the yard, else the template's default. A given name that the template lacks, and a
 * parameter without any value, are faults. So is a stack that would work without the store of its yard, unless that is
 * requested.
 */
export function planParameters(sources: ParameterSources): ParameterPlan {
  const { template, given } = sources;
  const unknown = [...given.keys()].filter((name) => !Object.hasOwn(template, name));
  const known = Object.keys(template).join(", ") || "none";
  const faults = unknown.map((name) => `The template has no parameter ${name}; it has ${known}.`);
  const parameters: Parameter[] = [];
  for (const [name, { Default, Description }] of Object.entries(template)) {
    const found = findValue(name, sources);
    if (found !== undefined) parameters.push(found);
    else if (Default === undefined) faults.push(`${name} has no value${Description ? ` (${Description})` : ""}.`);
  }
  faults.push(...findMissingStore(sources));
  return faults.length > 0 ? { kind: "refused", faults } : { kind: "planned", parameters };
}

function findValue(name: string, sources: ParameterSources): Parameter | undefined {
  const { given, filled, previous, offered } = sources;
  const now = given.get(name) ?? filled.get(name);
  if (now !== undefined) return { ParameterKey: name, ParameterValue: now };
  if (previous.has(name)) return { ParameterKey: name, UsePreviousValue: true };
  const other = offered.get(name);
  return other === undefined ? undefined : { ParameterKey: name, ParameterValue: other };
}

/** The parameters that name a yard's store. */
const STORES = ["StacksTable", "ConnectionSecretArn"] as const;

/**
 * Returns the fault of a stack that would work without the store that its yard has: its runner could not claim, cancel
 * or prove results. An empty value that was given, such as `StacksTable=`, requests that.
 */
function findMissingStore({ template, given, previous, offered }: ParameterSources): string[] {
  const known = STORES.filter((name) => Object.hasOwn(template, name));
  if (known.some((name) => given.has(name) || previous.get(name))) return [];
  return known.flatMap((name) => {
    const value = offered.get(name);
    // A stack without a previous value takes over the offered one.
    if (!value || previous.get(name) === undefined) return [];
    const work = name === "StacksTable" ? ` --parameter WorkTable=${offered.get("WorkTable") ?? "NAME"}` : "";
    return [
      `This stack works without the store of its yard. Pass --parameter ${name}=${value}${work} to give it the store, or an empty ${name}= to leave it without.`,
    ];
  });
}

/** Parses `Name=value` as it was typed; the value may contain further `=` and may be empty. */
export function parseGiven(words: readonly string[]): ReadonlyMap<string, string> | { readonly refusal: string } {
  const values = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf("=");
    const name = word.slice(0, Math.max(at, 0));
    if (!/^[A-Za-z0-9]{1,255}$/.test(name)) return { refusal: `--parameter takes Name=value, not "${word}".` };
    if (values.has(name)) return { refusal: `--parameter ${name} is given twice.` };
    values.set(name, word.slice(at + 1));
  }
  return values;
}
const TemplateParameter = Type.Object({
  Type: Type.String(),
  Default: Type.Optional(Type.Unknown()),
  Description: Type.Optional(Type.String()),
});
const TemplateDocument = Type.Object({
  Parameters: Type.Optional(Type.Record(Type.String({ pattern: "^[A-Za-z0-9]{1,255}$" }), TemplateParameter)),
});

/** The parameters of a template by name. */
export type TemplateParameters = Readonly<Record<string, Static<typeof TemplateParameter>>>;

const document = Compile(TemplateDocument);

/** Reads the parameters of a JSON template. Throws `CONFIG_INVALID` when the text is not a template. */
export function parseTemplateParameters(text: string): TemplateParameters {
  const value = parseJsonOr(
    text,
    (cause) => new StackyardError("CONFIG_INVALID", "The template is not JSON. Publish it again.", { cause }),
  );
  if (document.Check(value)) return value.Parameters ?? {};
  throw new StackyardError("CONFIG_INVALID", "The template has invalid parameters. Publish it again.");
}

/** Fields of a yard in the configuration, by the outputs of the templates. */
const FIELDS: Readonly<Record<string, string>> = {
  EventQueueUrl: "eventQueueUrl",
  TaskQueueUrl: "taskQueueUrl",
  LongTaskQueueUrl: "longTaskQueueUrl",
  TickQueueUrl: "tickQueueUrl",
  EventDeadLetterQueueUrl: "eventDeadLetterQueueUrl",
  TaskDeadLetterQueueUrl: "taskDeadLetterQueueUrl",
  StacksTable: "stacksTable",
  WorkTable: "workTable",
};

/**
 * Returns the yard for a project's configuration, from a stack's outputs; undefined when the stack has no queue of
 * events.
 */
export function toYardEntry(yard: string, stack: StackFacts | undefined): string | undefined {
  if (stack === undefined || !stack.outputs["EventQueueUrl"]) return undefined;
  const { outputs, parameters, id } = stack;
  const region = id.split(":")[3] ?? "";
  const fields = Object.entries(FIELDS).flatMap(([output, field]) => {
    const value = outputs[output];
    return value ? [`  ${field}: ${JSON.stringify(value)},`] : [];
  });
  const secret = parameters.get("ConnectionSecretArn");
  const bucket = parameters.get("MachineBucket");
  const prefix = parameters.get("MachinePrefix") || undefined;
  const logs = outputs["TaskLogBucket"];
  const name = /^[A-Za-z][A-Za-z0-9]*$/.test(yard) ? yard : JSON.stringify(yard);
  return [
    `${name}: {`,
    `  type: "aws",`,
    `  region: ${JSON.stringify(region)},`,
    ...fields,
    ...(secret ? [`  connectionSecret: ${JSON.stringify(secret)},`] : []),
    ...(bucket ? [`  machines: ${JSON.stringify({ bucket, prefix })},`] : []),
    ...(logs ? [`  logs: ${JSON.stringify({ bucket: logs, prefix: parameters.get("TaskLogPrefix") })},`] : []),
    "},",
  ].join("\n");
}

const CODE_KEY = /^([A-Z][A-Za-z0-9]*)CodeKey$/;

/**
 * Lists the apps with code in a template's parameters such as `StateManagerCodeKey`: `state-manager`, by that prefix.
 */
export function findCodeApps(template: TemplateParameters): ReadonlyMap<string, string> {
  const apps = new Map<string, string>();
  for (const name of Object.keys(template)) {
    const [, start] = CODE_KEY.exec(name) ?? [];
    if (start !== undefined) apps.set(start, start.replace(/(?<=.)[A-Z]/g, "-$&").toLowerCase());
  }
  return apps;
}
