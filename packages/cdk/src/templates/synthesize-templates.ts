import { isMap } from "@stackyard/core";
import { App } from "aws-cdk-lib";
import {
  addConsumersRolloutTemplate,
  addConsumerTemplate,
  addConsumerZipTemplate,
  type InlineConsumer,
} from "./consumer-template.ts";
import { addDistributorTemplate } from "./distributor-template.ts";
import { addEcsTaskTemplate } from "./ecs-task-template.ts";
import { addFleetInstancesTemplate, addFleetTemplate } from "./fleet-template.ts";
import { addReleasesAccountTemplate, addReleasesTemplate } from "./releases-template.ts";
import { addServicesTemplate } from "./services-template.ts";
import { addStateManagerTemplate, addTaskRunnerTemplate, addYardTemplate } from "./yard-template.ts";

/** A standalone template. */
export interface Template {
  /** `yard`, or the app that it installs. Its file is `<name>.template.json`. */
  readonly name: string;
  /** JSON. */
  readonly body: string;
}

/** The sources of templates outside this package. */
export interface TemplateSources {
  /** The built consumer, which is embedded in its template. Default: that template is omitted. */
  readonly consumer?: InlineConsumer;
}

const TEMPLATES = [
  ...[addYardTemplate, addStateManagerTemplate, addTaskRunnerTemplate],
  ...[addEcsTaskTemplate, addFleetTemplate, addFleetInstancesTemplate, addServicesTemplate],
  ...[addReleasesTemplate, addReleasesAccountTemplate],
  ...[addDistributorTemplate, addConsumerZipTemplate, addConsumersRolloutTemplate],
];

/** Synthesizes the plain templates from the constructs. The same sources produce the same bytes. */
export function synthesizeTemplates({ consumer }: TemplateSources = {}): readonly Template[] {
  // The built-in validator treats the empty defaults of parameters as values; tests validate with real ones.
  const app = new App({ analyticsReporting: false, treeMetadata: false, builtinCloudFormationValidation: false });
  const stacks = TEMPLATES.map((add) => add(app));
  if (consumer !== undefined) stacks.push(addConsumerTemplate(app, consumer));
  const names = stacks.map(({ stackName }) => stackName);
  const assembly = app.synth();
  return names.map((name) => {
    const { template }: { readonly template: unknown } = assembly.getStackByName(name);
    return { name, body: `${printTemplate(toPlainTemplate(template))}\n` };
  });
}

type Json = Readonly<Record<string, unknown>>;

/**
 * Writes joined texts as one text with names in it, `arn:${AWS::Partition}:s3:::${MachineBucket}/*`, as a
 * person would.
 */
export function toPlainTemplate(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toPlainTemplate);
  if (!isMap(value)) return value;
  return (
    findText(value) ?? Object.fromEntries(Object.entries(value).map(([key, part]) => [key, toPlainTemplate(part)]))
  );
}

/** Returns undefined if it is not a join, or has pieces other than texts, references and attributes. */
function findText({ "Fn::Join": join, ...others }: Json): unknown {
  if (!Array.isArray(join) || Object.keys(others).length > 0) return undefined;
  const [separator, pieces] = join;
  if (separator !== "" || !Array.isArray(pieces)) return undefined;
  const texts = pieces.map(toPiece);
  return texts.every((text) => text !== undefined) ? { "Fn::Sub": texts.join("") } : undefined;
}

function toPiece(piece: unknown): string | undefined {
  if (typeof piece === "string") return piece.replaceAll("${", "${!");
  if (!isMap(piece)) return undefined;
  const { Ref, "Fn::GetAtt": attribute } = piece;
  if (typeof Ref === "string") return `\${${Ref}}`;
  return Array.isArray(attribute) ? `\${${attribute.join(".")}}` : undefined;
}

const WIDTH = 300;

/**
 * Formats a template as JSON for people: what fits stays on one line, with no space inside its brackets. It is shorter,
 * too: a CloudFormation call accepts 51,200 bytes.
 */
export function printTemplate(value: unknown, indent = ""): string {
  const line = printLine(value);
  if (indent.length + line.length <= WIDTH || typeof value !== "object" || value === null) return line;
  const deeper = `${indent} `;
  const parts = Array.isArray(value)
    ? value.map((part) => printTemplate(part, deeper))
    : Object.entries(value).map(([name, part]) => `${JSON.stringify(name)}: ${printTemplate(part, deeper)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return `${open}\n${parts.map((part) => deeper + part).join(",\n")}\n${indent}${close}`;
}

/** Formats a value on one line. Line breaks in texts are escaped: those that are replaced are between parts. */
function printLine(value: unknown): string {
  return JSON.stringify(value, null, 1).replaceAll(/,\n */g, ", ").replaceAll(/\n */g, "");
}
