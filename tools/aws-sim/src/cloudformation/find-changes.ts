import { isDeepStrictEqual } from "node:util";
import type { ResolvedResource } from "./templates.ts";

/** What happens to one resource. */
export interface ResourceChange {
  readonly action: "Add" | "Modify" | "Remove";
  readonly logicalId: string;
  readonly resource: ResolvedResource;
  /** It gets a new physical resource, because its name changes. */
  readonly isReplaced: boolean;
}

/**
 * Properties that are names. A change of one replaces the resource ("Update requires: Replacement" in the resource
 * reference of each type).
 */
export const NAME_PROPERTIES: Readonly<Record<string, string>> = {
  "AWS::CloudWatch::Alarm": "AlarmName",
  "AWS::DynamoDB::Table": "TableName",
  "AWS::Events::EventBus": "Name",
  "AWS::Events::Rule": "Name",
  "AWS::IAM::Role": "RoleName",
  "AWS::Lambda::Function": "FunctionName",
  "AWS::Logs::LogGroup": "LogGroupName",
  "AWS::S3::Bucket": "BucketName",
  "AWS::SNS::Topic": "TopicName",
  "AWS::SQS::Queue": "QueueName",
  "AWS::StepFunctions::StateMachine": "StateMachineName",
};

/** The name that a resource was given; undefined: CloudFormation makes one. */
export function findCustomName({ type, properties }: ResolvedResource): string | undefined {
  const property = NAME_PROPERTIES[type];
  const name = property === undefined ? undefined : properties[property];
  return typeof name === "string" ? name : undefined;
}

type Resources = ReadonlyMap<string, ResolvedResource>;

/** From one set of resources to another: new and other ones in the order of the template, then those that go. */
export function findChanges(before: Resources, after: Resources): readonly ResourceChange[] {
  const changes: ResourceChange[] = [];
  for (const [logicalId, resource] of after) {
    const old = before.get(logicalId);
    if (old === undefined) changes.push({ action: "Add", logicalId, resource, isReplaced: false });
    else if (!isDeepStrictEqual(old, resource)) {
      const isReplaced = old.type !== resource.type || findCustomName(old) !== findCustomName(resource);
      changes.push({ action: "Modify", logicalId, resource, isReplaced });
    }
  }
  for (const [logicalId, resource] of before) {
    if (!after.has(logicalId)) changes.push({ action: "Remove", logicalId, resource, isReplaced: false });
  }
  return changes;
}
