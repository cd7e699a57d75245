import { defined } from "@stackyard/core";
import { allows } from "../identities.ts";
import { findNumber, findText, isOwn, type Place, recordsOf, type ServiceFaults, type SimCall } from "../sim-call.ts";
import { cutPage, SimFault } from "../sim-fault.ts";

/** Errors with their statuses. Source: EC2 API reference, "Error codes for the Amazon EC2 API". */
export const ec2Faults = {
  unknownKey: () => new SimFault("AuthFailure", 401, "AWS was not able to validate the provided access credentials"),
  expired: () => new SimFault("RequestExpired", 400, "Request has expired."),
  denied: (who: string, action: string) =>
    new SimFault(
      "UnauthorizedOperation",
      403,
      `You are not authorized to perform this operation. User: ${who} is not authorized to perform: ${action}`,
    ),
  throttled: () => new SimFault("RequestLimitExceeded", 503, "Request limit exceeded."),
  /**
   * Creates the error of a missing resource. `code` names the kind of the resource, such as `InvalidSubnetID.NotFound`.
   */
  named: (code: string, message: string) => new SimFault(code, 400, message),
  malformed: (id: string) => new SimFault("InvalidInstanceID.Malformed", 400, `Invalid id: "${id}"`),
  missing: (ids: readonly string[]) =>
    new SimFault(
      "InvalidInstanceID.NotFound",
      400,
      ids.length === 1
        ? `The instance ID '${ids[0]}' does not exist`
        : `The instance IDs '${ids.join(", ")}' do not exist`,
    ),
  combined: (message: string) => new SimFault("InvalidParameterCombination", 400, message),
  invalid: (message: string) => new SimFault("InvalidParameterValue", 400, message),
} satisfies ServiceFaults & Record<string, (...texts: never[]) => SimFault>;

/** What belongs to an account in a region, and is seen from an instant on. */
export interface Ec2Resource extends Place, Tagged {
  /** EC2 is eventually consistent: until then Describe operations do not know it. */
  readonly visibleAt: number;
}

/** Returns those that the caller owns and sees. */
export function ownOf<Resource extends Ec2Resource>(all: Iterable<Resource>, call: SimCall): readonly Resource[] {
  return [...all].filter((each) => isOwn(each, call) && each.visibleAt <= call.now);
}

/** "Filtering considerations" and "DescribeInstances": at most 200 values of all filters. */
const MAX_FILTER_VALUES = 200;

/** What MaxResults may be. */
export interface PageRange {
  readonly min: number;
  readonly max: number;
}

/**
 * Returns one page, or everything if no size is requested. Source: EC2 API reference, MaxResults and NextToken of each
 * operation.
 */
export function toPage<Row>(rows: readonly Row[], { input }: SimCall, { min, max }: PageRange) {
  const size = findNumber(input, "MaxResults") ?? Number.POSITIVE_INFINITY;
  if (size !== Number.POSITIVE_INFINITY && (size < min || size > max)) {
    throw ec2Faults.invalid(
      `Value ( ${size} ) for parameter maxResults is invalid. Expecting a value between ${min} and ${max}.`,
    );
  }
  const token = findText(input, "NextToken");
  const page = cutPage(rows, { size, token }, () => ec2Faults.invalid(`The token '${token}' is invalid`));
  return { rows: page.rows, next: defined({ NextToken: page.next }) };
}

/** Returns the filters of a request. */
export function readFilters({ input }: SimCall): readonly Ec2Filter[] {
  const filters: readonly Ec2Filter[] = Array.isArray(input["Filters"]) ? input["Filters"] : [];
  const values = filters.reduce((sum, { Values = [] }) => sum + Values.length, 0);
  if (values > MAX_FILTER_VALUES) {
    throw ec2Faults.invalid(`The maximum number of filter values specified on a single call is ${MAX_FILTER_VALUES}`);
  }
  return filters;
}

/** A filter as the SDK sends it. */
interface Ec2Filter {
  readonly Name?: string;
  readonly Values?: readonly string[];
}

/** What has tags. */
export interface Tagged {
  readonly tags: Readonly<Record<string, string>>;
}

/** What a filter reads of a resource, by the filter's name. */
export type FilterReaders<Resource> = Readonly<Record<string, (resource: Resource, now: number) => readonly string[]>>;

/**
 * Returns true if each filter has a matching value. Every resource supports filters by tags. Source: EC2 API reference,
 * the Filters of each Describe operation: values are ORed, filters are ANDed.
 */
export function matchesFilters<Resource extends Tagged>(
  resource: Resource,
  filters: readonly Ec2Filter[],
  { readers, now }: { readonly readers: FilterReaders<Resource>; readonly now: number },
): boolean {
  return filters.every(({ Name = "", Values = [] }) => {
    const found = readFilter(resource, Name, { readers, now });
    return Values.some((pattern) => found.some((value) => matchesPattern(value, pattern)));
  });
}

/** Refuses filters that the operation does not have, also when there is nothing to filter. */
export function checkFilterNames(filters: readonly Ec2Filter[], readers: FilterReaders<never>): void {
  for (const { Name = "" } of filters) {
    if (!Name.startsWith("tag:") && Name !== "tag-key" && !Object.hasOwn(readers, Name)) {
      throw ec2Faults.invalid(`The filter '${Name}' is invalid`);
    }
  }
}

function readFilter<Resource extends Tagged>(
  resource: Resource,
  name: string,
  { readers, now }: { readonly readers: FilterReaders<Resource>; readonly now: number },
): readonly string[] {
  if (name === "tag-key") return Object.keys(resource.tags);
  if (name.startsWith("tag:")) {
    const value = resource.tags[name.slice("tag:".length)];
    return value === undefined ? [] : [value];
  }
  return readers[name]?.(resource, now) ?? [];
}

/**
 * Matches `*` for any number of characters, `?` for one, `\` for the character itself; upper and lower case differ.
 * Source: EC2 user guide, "Filtering considerations" in "Find your Amazon EC2 resources".
 */
function matchesPattern(value: string, pattern: string): boolean {
  if (!/[*?\\]/.test(pattern)) return value === pattern;
  const source = pattern.replace(/\\(.)|[\s\S]/g, (text, escaped: string | undefined) => {
    if (escaped !== undefined) return quote(escaped);
    if (text === "*") return "[\\s\\S]*";
    return text === "?" ? "[\\s\\S]" : quote(text);
  });
  return new RegExp(`^${source}$`).test(value);
}

function quote(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

type Tags = Readonly<Record<string, string>>;

/** EC2 user guide, "Tag your Amazon EC2 resources", Tag restrictions. */
const MAX_TAGS = 50;
const MAX_KEY = 128;
const MAX_VALUE = 256;

/** Returns tags in the format of EC2. */
export function toTagList(tags: Tags): readonly { readonly Key: string; readonly Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

/**
 * Returns the tags of a request's TagSpecifications for one type of resource. Others are refused, as the operations do;
 * so is who may not tag (user guide, "Grant permission to tag Amazon EC2 resources during creation").
 */
export function readTagSpecifications({ input, identity }: TagCall, resourceType: string): Tags {
  const tags = recordsOf(input, "TagSpecifications").flatMap((specification) => {
    if (specification["ResourceType"] !== resourceType) {
      throw ec2Faults.invalid(
        `'${specification["ResourceType"]}' is not a valid taggable resource type for this operation.`,
      );
    }
    return recordsOf(specification, "Tags");
  });
  if (tags.length > 0 && !allows(identity.allow, "ec2:CreateTags"))
    throw ec2Faults.denied(identity.arn, "ec2:CreateTags");
  return checkTags(tags);
}

/** What tags are read of, and who sends them. */
type TagCall = Pick<SimCall, "input"> & { readonly identity: Pick<SimCall["identity"], "allow" | "arn"> };

/** Returns a list of tags, held to the limits. */
export function checkTags(list: readonly SimCall["input"][]): Tags {
  const tags = Object.fromEntries(list.map(({ Key = "", Value = "" }) => [String(Key), String(Value)]));
  if (Object.keys(tags).length > MAX_TAGS) {
    throw ec2Faults.named(
      "TagLimitExceeded",
      `The maximum number of tags for the resource has been reached: ${MAX_TAGS}.`,
    );
  }
  for (const [key, value] of Object.entries(tags)) {
    if (key === "" || key.length > MAX_KEY) {
      throw ec2Faults.invalid(`Tag key exceeds the maximum length of ${MAX_KEY} characters`);
    }
    if (value.length > MAX_VALUE) {
      throw ec2Faults.invalid(`Tag value exceeds the maximum length of ${MAX_VALUE} characters`);
    }
    if (key.toLowerCase().startsWith("aws:")) {
      throw ec2Faults.invalid(`Tag keys starting with 'aws:' are reserved for internal use: ${key}`);
    }
  }
  return tags;
}
