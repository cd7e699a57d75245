import { allows } from "../identities.ts";
import { recordsOf, type SimCall } from "../sim-call.ts";
import { ec2Faults as faults } from "./ec2-state.ts";

type Tags = Readonly<Record<string, string>>;

/** EC2 user guide, "Tag your Amazon EC2 resources", Tag restrictions. */
const MAX_TAGS = 50;
const MAX_KEY = 128;
const MAX_VALUE = 256;

/** Tags as EC2 answers them. */
export function toTagList(tags: Tags): readonly { readonly Key: string; readonly Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

/**
 * Tags of a request's TagSpecifications for one type of resource. Others are refused, as the operations do; so is who may not tag
 * (user guide, "Grant permission to tag Amazon EC2 resources during creation").
 */
export function readTagSpecifications({ input, identity }: TagCall, resourceType: string): Tags {
  const tags = recordsOf(input, "TagSpecifications").flatMap((specification) => {
    if (specification["ResourceType"] !== resourceType) {
      throw faults.invalid(
        `'${specification["ResourceType"]}' is not a valid taggable resource type for this operation.`,
      );
    }
    return recordsOf(specification, "Tags");
  });
  if (tags.length > 0 && !allows(identity.allow, "ec2:CreateTags")) throw faults.denied(identity.arn, "ec2:CreateTags");
  return checkTags(tags);
}

/** What tags are read of, and who sends them. */
export type TagCall = Pick<SimCall, "input"> & { readonly identity: Pick<SimCall["identity"], "allow" | "arn"> };

/** A list of tags, held to the limits. */
export function checkTags(list: readonly SimCall["input"][]): Tags {
  const tags = Object.fromEntries(list.map(({ Key = "", Value = "" }) => [String(Key), String(Value)]));
  if (Object.keys(tags).length > MAX_TAGS) {
    throw faults.named(
      "TagLimitExceeded",
      `The maximum number of tags for the resource has been reached: ${MAX_TAGS}.`,
    );
  }
  for (const [key, value] of Object.entries(tags)) {
    if (key === "" || key.length > MAX_KEY) {
      throw faults.invalid(`Tag key exceeds the maximum length of ${MAX_KEY} characters`);
    }
    if (value.length > MAX_VALUE) {
      throw faults.invalid(`Tag value exceeds the maximum length of ${MAX_VALUE} characters`);
    }
    if (key.toLowerCase().startsWith("aws:")) {
      throw faults.invalid(`Tag keys starting with 'aws:' are reserved for internal use: ${key}`);
    }
  }
  return tags;
}
