import { type TemplateBody, toJson } from "./resolve-template.ts";

/*
 * AWS CloudFormation quotas: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
 * In S3, where templates are published to, a body has up to 1 MB; 51,200 bytes are the limit of those that a call holds.
 */
const MAX_BYTES = 1_000_000;
const MAX_COUNTS = { Parameters: 200, Mappings: 200, Resources: 500, Outputs: 200, Conditions: 500 } as const;
const MAX_DESCRIPTION = 1_024;
const MAX_PARAMETER_DESCRIPTION = 4_000;
/** IAM and STS quotas: "Inline policy size for a role", counted without white space, all policies together. */
const MAX_INLINE_POLICIES = 10_240;

/**
 * Characters of one part of a resource, without white space. IAM and STS quotas: "Role trust policy length"; "Managed policy
 * length"; Amazon S3, "Bucket policies": 20 KB; Lambda quotas: 4 KB for all variables, 4 MB of inline code (resource reference,
 * "AWS::Lambda::Function Code", `ZipFile`).
 */
const PARTS = [
  { type: "AWS::IAM::Role", path: ["AssumeRolePolicyDocument"], most: 2_048 },
  { type: "AWS::IAM::ManagedPolicy", path: ["PolicyDocument"], most: 6_144 },
  { type: "AWS::S3::BucketPolicy", path: ["PolicyDocument"], most: 20_480 },
  { type: "AWS::Lambda::Function", path: ["Environment", "Variables"], most: 4_096 },
  { type: "AWS::Lambda::Function", path: ["Code", "ZipFile"], most: 4_194_304 },
] as const;

/** Checks a template against the limits of CloudFormation, of policies and of functions. One line a problem. */
export function checkLimits(body: string): readonly string[] {
  const template: TemplateBody = JSON.parse(body);
  const bytes = Buffer.byteLength(body);
  return [
    ...(bytes > MAX_BYTES ? [`${bytes} bytes are more than ${MAX_BYTES}.`] : []),
    ...Object.entries(MAX_COUNTS).flatMap(([section, most]) => {
      const count = Object.keys(toJson(toJson(template)[section])).length;
      return count > most ? [`${count} ${section} are more than ${most}.`] : [];
    }),
    ...checkDescriptions(template),
    ...Object.entries(template.Resources).flatMap(([id, { Type, Properties }]) =>
      Type === "AWS::IAM::Role" ? checkRole(id, Properties) : [],
    ),
    ...Object.entries(template.Resources).flatMap(([id, resource]) => checkParts(id, resource)),
  ];
}

function checkParts(id: string, { Type, Properties }: TemplateBody["Resources"][string]): readonly string[] {
  return PARTS.filter(({ type }) => type === Type).flatMap(({ path, most }) => {
    const part = path.reduce<unknown>((value, key) => toJson(value)[key], Properties);
    const characters = part === undefined ? 0 : JSON.stringify(part).replaceAll(/\s/g, "").length;
    return characters > most ? [`${id} has ${characters} characters of ${path.join(".")}, more than ${most}.`] : [];
  });
}

function checkDescriptions(template: TemplateBody): readonly string[] {
  const { Description = "", Parameters } = toJson(template);
  const long = Object.entries(toJson(Parameters)).filter(
    ([, parameter]) => String(toJson(parameter)["Description"] ?? "").length > MAX_PARAMETER_DESCRIPTION,
  );
  return [
    ...(String(Description).length > MAX_DESCRIPTION ? ["The description is too long."] : []),
    ...long.map(([name]) => `The description of ${name} is too long.`),
  ];
}

function checkRole(id: string, { Policies }: Readonly<Record<string, unknown>>): readonly string[] {
  const characters = JSON.stringify(Policies ?? []).replaceAll(/\s/g, "").length;
  return characters > MAX_INLINE_POLICIES ? [`${id} has ${characters} characters of inline policies.`] : [];
}
