import { Aws, Fn, type IResolvable, Token } from "aws-cdk-lib";
import type { Given } from "../given.ts";

/** A statement of a role's policy. */
export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: IResolvable | Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** A role's permission for one purpose: a separate inline policy, so that its purpose is readable. */
export interface Permission {
  /** The policy's name. */
  readonly name: string;
  readonly statements: readonly Given<Statement>[];
}

/** Returns a statement that denies calls on resources, even if others allow them. */
export function deny(sid: string, actions: readonly string[], resource: string | readonly string[]): Statement {
  return { Sid: sid, Effect: "Deny", Action: actions, Resource: resource };
}

/** Returns a statement that allows calls on resources. */
export function allow(sid: string, actions: readonly string[], resource: string | readonly string[]): Statement {
  return { Sid: sid, Effect: "Allow", Action: actions, Resource: resource };
}

/** Limits calls with a key to those that a service of this region makes. */
export function viaService(service: "s3" | "sns" | "sqs", statement: Statement): Statement {
  const via = `${service}.${Aws.REGION}.${Aws.URL_SUFFIX}`;
  return { ...statement, Condition: { StringEquals: { "kms:ViaService": via } } };
}

/** Appends an ending to each ARN. A list from a parameter has no elements before the template is deployed. */
export function withEnding(arns: readonly string[], ending: string): readonly string[] {
  if (!Token.isUnresolved(arns)) return arns.map((arn) => `${arn}${ending}`);
  return Fn.split(",", `${Fn.join(`${ending},`, [...arns])}${ending}`);
}

/** Returns the ARN of a bucket by its name. */
export function toBucketArn(bucket: string): string {
  return Fn.join("", ["arn:", Aws.PARTITION, ":s3:::", bucket]);
}
