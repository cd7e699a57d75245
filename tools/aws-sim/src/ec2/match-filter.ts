import { SimFault } from "../sim-fault.ts";

/** A filter as the SDK sends it. */
export interface Ec2Filter {
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
 * True when each filter has a value that fits. Filters by tags are known for every resource. Source: EC2 API reference, the
 * Filters of each Describe operation: values are ORed, filters are ANDed.
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
    if (!Name.startsWith("tag:") && Name !== "tag-key" && !Object.hasOwn(readers, Name)) throw unknownFilter(Name);
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
  const reader = readers[name];
  if (reader === undefined) throw unknownFilter(name);
  return reader(resource, now);
}

function unknownFilter(name: string): SimFault {
  return new SimFault("InvalidParameterValue", 400, `The filter '${name}' is invalid`);
}

/**
 * `*` for any number of characters, `?` for one, `\` for the character itself; upper and lower case differ. Source: EC2 user
 * guide, "Filtering considerations" in "Find your Amazon EC2 resources".
 */
export function matchesPattern(value: string, pattern: string): boolean {
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
