import { cloudFormationFaults } from "./cloudformation-faults.ts";

/** Whatever stands under a key of a template. */
export type TemplateValue = unknown;

/** A parameter as a template declares it. */
export interface ParameterDeclaration {
  readonly Type: string;
  readonly Default?: unknown;
  readonly AllowedPattern?: string;
  readonly AllowedValues?: readonly unknown[];
  readonly ConstraintDescription?: string;
  readonly NoEcho?: boolean;
}

/** A resource as a template declares it. */
export interface ResourceDeclaration {
  readonly Type: string;
  readonly Condition?: string;
  readonly DeletionPolicy?: string;
  readonly Properties?: Readonly<Record<string, TemplateValue>>;
}

/** What is read of a template. */
export interface Template {
  readonly text: string;
  readonly description: string | undefined;
  readonly parameters: Readonly<Record<string, ParameterDeclaration>>;
  readonly conditions: Readonly<Record<string, TemplateValue>>;
  readonly mappings: Readonly<Record<string, TemplateValue>>;
  readonly resources: Readonly<Record<string, ResourceDeclaration>>;
  readonly outputs: Readonly<Record<string, { readonly Value: TemplateValue; readonly Condition?: string }>>;
}

/** "CloudFormation quotas": resources, parameters and outputs of a template, and its size in an object of S3. */
const MAX_RESOURCES = 500;
const MAX_PARAMETERS = 200;
const MAX_OUTPUTS = 200;
const MAX_OBJECT_BYTES = 1_048_576;

/** Reads a template in JSON. Throws `ValidationError` as CloudFormation does for what is none. */
export function parseTemplate(text: string): Template {
  if (Buffer.byteLength(text) > MAX_OBJECT_BYTES) throw refuse("Template may not exceed 1000000 bytes in size.");
  const document = Object(parseJson(text));
  const { Resources = {}, Parameters = {}, Conditions = {}, Mappings = {}, Outputs = {}, Description } = document;
  const count = (section: object): number => Object.keys(section).length;
  if (count(Resources) === 0) {
    throw refuse("Template format error: At least one Resources member must be defined.");
  }
  const sections: readonly [string, number, number][] = [
    ["resources", count(Resources), MAX_RESOURCES],
    ["parameters", count(Parameters), MAX_PARAMETERS],
    ["outputs", count(Outputs), MAX_OUTPUTS],
  ];
  for (const [name, found, most] of sections) {
    const why = `Template format error: Number of ${name}, ${found}, is greater than maximum allowed, ${most}`;
    if (found > most) throw refuse(why);
  }
  return {
    text,
    parameters: Parameters,
    conditions: Conditions,
    resources: Resources,
    outputs: Outputs,
    mappings: Mappings,
    description: typeof Description === "string" ? Description : undefined,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refuse("Template format error: JSON not well-formed.");
  }
}

function refuse(message: string): Error {
  return cloudFormationFaults.validation(message);
}
