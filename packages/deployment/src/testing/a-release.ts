import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Returns a template with a queue, a function with its code, and a role. */
export function aTemplate(changes: { readonly parameters?: object; readonly resources?: object } = {}): string {
  const Ref = (name: string) => ({ Ref: name });
  return JSON.stringify({
    Description: "A small yard.",
    Parameters: {
      YardName: { Type: "String", Default: "main" },
      CodeBucket: { Type: "String" },
      StateManagerCodeKey: { Type: "String" },
      StateManagerCodeVersion: { Type: "String", Default: "" },
      MachineBucket: { Type: "String", Description: "Bucket of the machines." },
      Retention: { Type: "Number", Default: 30 },
      ...changes.parameters,
    },
    Resources: {
      Events: { Type: "AWS::SQS::Queue", Properties: { QueueName: { "Fn::Sub": `\${YardName}-stack-events` } } },
      Stacks: { Type: "AWS::DynamoDB::Table", DeletionPolicy: "Retain", Properties: { TableName: Ref("YardName") } },
      Role: { Type: "AWS::IAM::Role", Properties: {} },
      Manager: {
        Type: "AWS::Lambda::Function",
        Properties: {
          Code: {
            S3Bucket: Ref("CodeBucket"),
            S3Key: Ref("StateManagerCodeKey"),
            S3ObjectVersion: Ref("StateManagerCodeVersion"),
          },
          Environment: { Variables: { MACHINE_S3_BUCKET: Ref("MachineBucket"), RETENTION: Ref("Retention") } },
        },
      },
      ...changes.resources,
    },
    Outputs: {
      EventQueueUrl: {
        Value: { "Fn::Sub": `https://sqs.\${AWS::Region}.amazonaws.com/\${AWS::AccountId}/\${YardName}-stack-events` },
      },
      TaskQueueArn: { Value: { "Fn::Sub": `arn:aws:sqs:\${AWS::Region}:\${AWS::AccountId}:\${YardName}-stack-tasks` } },
    },
  });
}

/** A test's release; other fields have small valid values. */
export interface ReleaseSketch {
  readonly version?: string;
  readonly zips?: Readonly<Record<string, string>>;
  readonly templates?: Readonly<Record<string, string>>;
}

/** Writes a release into a folder, as `npm run package` does. */
export function writeRelease(folder: string, sketch: ReleaseSketch = {}): void {
  const { version = "0.1.0", zips = { "state-manager": "zip" }, templates = { yard: aTemplate() } } = sketch;
  const apps = Object.keys(zips).map((name) => ({ name, file: `${name}-${version}.zip` }));
  const listed = Object.keys(templates).map((name) => ({ name, file: `${name}.template.json` }));
  const contents = new Map([
    ...apps.map(({ name, file }) => [file, zips[name] ?? ""] as const),
    ...listed.map(({ name, file }) => [file, templates[name] ?? ""] as const),
    ["release.json", JSON.stringify({ version, apps, templates: listed })] as const,
  ]);
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of contents) writeFileSync(join(folder, file), text);
  const sums = [...contents].map(([file, text]) => `${createHash("sha256").update(text).digest("hex")}  ${file}\n`);
  writeFileSync(join(folder, "SHA256SUMS"), sums.join(""));
}
