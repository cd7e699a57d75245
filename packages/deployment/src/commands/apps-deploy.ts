import { type CommandOutput, StackyardError } from "@stackyard/core";
import { type Static, Type } from "typebox";
import type { Place } from "../object-keys.ts";
import { findCode } from "../release/find-code.ts";
import { findLatest, listPublished } from "../release/list-published.ts";
import { loadTemplate } from "../release/load-template.ts";
import { findRememberedPlace } from "../release/remembered-place.ts";
import { type DeployInput, type DeployResult, deployStack } from "../stack/deploy-stack.ts";
import { findCodeApps } from "../stack/find-code-apps.ts";
import { findStack, listStacks, type StackFacts } from "../stack/find-stack.ts";
import { parseTemplateParameters, type TemplateParameters } from "../stack/parse-template-parameters.ts";
import { parseGiven, planParameters } from "../stack/plan-parameters.ts";
import type { ResourceEvent } from "../stack/stack-event.ts";
import { findDeployedPlace, STACK_TAGS, toStackName } from "../stack/stack-tags.ts";
import { toYardEntry } from "../stack/to-yard-entry.ts";
import type { AppsCommandSpec, AppsContext } from "./apps-command.ts";
import { choosePlace, placeArgs } from "./place-args.ts";

const Args = Type.Object({
  name: Type.String({
    pattern: "^[a-z][a-z0-9-]{0,62}$",
    expected: "a name such as state-manager",
    description: "A template: yard, state-manager, task-runner",
  }),
  parameter: Type.Optional(
    Type.Array(Type.String(), { placeholder: "name=value", description: "Of the template, may be repeated." }),
  ),
  release: Type.Optional(Type.String({ placeholder: "version", description: "Default: the one published last." })),
  stack: Type.Optional(
    Type.String({ description: "The stack's name. Default: stackyard-YARD, or stackyard-YARD-NAME." }),
  ),
  dryRun: Type.Optional(Type.Boolean({ description: "Only tell what would change." })),
  minutes: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 720, description: "Give up waiting after. Default: 60." }),
  ),
  ...placeArgs,
});
type Args = Static<typeof Args>;

const DEFAULT_MINUTES = 60;

/** `apps deploy`: creates or updates the stack of a template, with progress by resource. */
export const appsDeploy: AppsCommandSpec<typeof Args> = {
  name: "apps deploy",
  summary: "Create or update the CloudFormation stack of a template of ours.",
  args: Args,
  run: deploy,
};

async function deploy(context: AppsContext, args: Args): Promise<number> {
  const { out, aws, signal } = context;
  const input = await prepareInput(context, args);
  const result = await deployStack(aws.cloudFormation, input, {
    clock: aws.clock,
    signal,
    timeoutMs: (args.minutes ?? DEFAULT_MINUTES) * 60_000,
    onEvent: (event) => tellEvent(out, event),
  });
  tellResult(context, input, result);
  return 0;
}

async function prepareInput(context: AppsContext, args: Args): Promise<DeployInput> {
  const { aws, dataDir, yard } = context;
  const given = parseGiven(args.parameter ?? []);
  if ("refusal" in given) throw new StackyardError("USAGE", given.refusal);
  const name = args.stack ?? toStackName(yard, args.name);
  const existing = await findStack(aws.cloudFormation, name);
  const place = choosePlace(args, [existing && findDeployedPlace(existing), await findRememberedPlace(dataDir)]);
  const release = args.release ?? (await findNewest(context, place, args.name));
  const template = await loadTemplate(aws.s3, place, args.name, release);
  const declared = parseTemplateParameters(template.text);
  const plan = planParameters({
    template: declared,
    given,
    filled: await fillParameters(context, { place, release, yard, declared, given }),
    previous: new Set(isMade(existing) ? existing.parameters.keys() : []),
    offered: await findOffered(context, name),
  });
  if (plan.kind === "refused") {
    const hint = "Give values with --parameter Name=value.";
    throw new StackyardError("CONFIG_INVALID", plan.faults.join("\n"), { details: { hint } });
  }
  const tags = {
    [STACK_TAGS.template]: args.name,
    [STACK_TAGS.yard]: yard,
    [STACK_TAGS.release]: release,
    [STACK_TAGS.bucket]: place.bucket,
    [STACK_TAGS.prefix]: place.prefix,
  };
  const namesRoles = template.text.includes('"RoleName"');
  const { parameters } = plan;
  return { name, existing, templateUrl: template.url, namesRoles, parameters, tags, dryRun: args.dryRun === true };
}

/** Outputs of the yard's other stacks: a runner of its own finds the queues of its state manager so. */
async function findOffered({ aws, yard }: AppsContext, name: string): Promise<ReadonlyMap<string, string>> {
  const stacks = await listStacks(aws.cloudFormation);
  const others = stacks.filter((stack) => stack.tags.get(STACK_TAGS.yard) === yard && stack.name !== name);
  return new Map(others.flatMap(({ outputs }) => Object.entries(outputs)));
}

/** What was rolled back or never made has no values that could be kept. */
function isMade(stack: StackFacts | undefined): stack is StackFacts {
  return stack !== undefined && !/^(REVIEW_IN_PROGRESS|ROLLBACK_COMPLETE)$/.test(stack.status);
}

async function findNewest({ aws }: AppsContext, place: Place, name: string): Promise<string> {
  const found = findLatest(await listPublished(aws.s3, place), name);
  if (found !== undefined) return found;
  const hint = "Publish a release first: `stackyard apps publish`. `stackyard apps ls` shows what there is.";
  throw new StackyardError("NOT_FOUND", `No template "${name}" is published in s3://${place.bucket}/${place.prefix}.`, {
    details: { hint },
  });
}

interface FillInput {
  readonly place: Place;
  readonly release: string;
  readonly yard: string;
  readonly declared: TemplateParameters;
  readonly given: ReadonlyMap<string, string>;
}

async function fillParameters({ aws }: AppsContext, input: FillInput): Promise<ReadonlyMap<string, string>> {
  const { place, release, yard, declared, given } = input;
  const filled = new Map([
    ["CodeBucket", place.bucket],
    ["YardName", yard],
  ]);
  for (const [start, app] of findCodeApps(declared)) {
    // Code of one's own: an object that need not be one of ours.
    if (given.has(`${start}CodeKey`)) continue;
    const { key, versionId } = await findCode(aws.s3, place, app, release);
    filled.set(`${start}CodeKey`, key).set(`${start}CodeVersion`, versionId);
  }
  return filled;
}

function tellEvent(out: CommandOutput, { at, logicalId, type, status, reason }: ResourceEvent): void {
  const event = { kind: "resource", at, logicalId, type, status, reason: reason ?? null };
  const text = `${at.slice(11, 19)}  ${status}  ${logicalId}  ${type}`;
  out.progress(event, () => text);
  if (status.endsWith("_FAILED")) out.note(`${logicalId}: ${reason ?? status}`);
}

function tellResult({ out, yard }: AppsContext, { name }: DeployInput, result: DeployResult): void {
  if (result.kind === "unchanged") {
    out.result({ stack: name, result: "unchanged" }, () => `${name} stands already as it should: nothing to change.`);
  } else if (result.kind === "planned") {
    const lines = result.changes.map(
      ({ action, logicalId, type, replacement }) =>
        `${action.padEnd(6)}  ${logicalId}  ${type}${replacement === "True" ? "  is made anew" : ""}`,
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
