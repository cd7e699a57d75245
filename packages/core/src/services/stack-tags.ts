import { keepStart } from "../machine/cut-text.ts";

/** IAM, "Tags for IAM resources": values have up to 256 characters: letters, numbers, spaces and `_.:/=+-@`. */
const MAX_TAG_VALUE = 256;
const NOT_IN_TAGS = /[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu;

/** The tags of AWS resources that belong to a stack. */
export interface StackTags {
  readonly "stackyard:yard": string;
  readonly "stackyard:stack": string;
  readonly "stackyard:machine": string;
}

/**
 * Returns the tags by which AWS resources are known to belong to a stack. The yard is its name, the runner's
 * `YARD_NAME`. Two values that differ only in characters that tags cannot contain have the same tag.
 */
export function toStackTags(owner: {
  readonly yard: string;
  readonly stackId: string;
  readonly machine: string;
}): StackTags {
  return {
    "stackyard:yard": toTagValue(owner.yard),
    "stackyard:stack": toTagValue(owner.stackId),
    "stackyard:machine": toTagValue(owner.machine),
  };
}

/**
 * Returns a text as the value of a tag: with `-` for each character that a tag cannot contain, and at most 256
 * characters.
 */
export function toTagValue(text: string): string {
  return keepStart(text.replaceAll(NOT_IN_TAGS, "-"), MAX_TAG_VALUE);
}
