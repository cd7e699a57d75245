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

/** Checks a template against the limits of CloudFormation and of a role's inline policies. One line a problem. */
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
  ];
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
