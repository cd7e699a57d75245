import { type SimCall, type SimFault, textsOf } from "../sim-call.ts";
import {
  checkFilterNames,
  type FilterReaders,
  matchesFilters,
  type PageRange,
  readFilters,
  type Tagged,
  toPage,
} from "./ec2-state.ts";

/** How a kind of resource is described. */
export interface ResourceKind<Resource extends Tagged> {
  /** Fields of the request that name resources, one by one. All that they name have to be there. */
  readonly keys: Readonly<Record<string, ResourceKey<Resource>>>;
  readonly readers: FilterReaders<Resource>;
  /** Absent: it is answered as a whole, whatever is asked for. */
  readonly pages?: PageRange;
  /** The list of the answer. */
  readonly answer: string;
  toOutput(resource: Resource): unknown;
}

/** One way to name a resource. */
export interface ResourceKey<Resource> {
  of(resource: Resource): string;
  /** What is answered when it is not there. */
  missing(key: string): SimFault;
}

/** A Describe operation of EC2 over what the caller may see. */
export function describeResources<Resource extends Tagged>(
  seen: readonly Resource[],
  { keys, readers, pages, answer, toOutput }: ResourceKind<Resource>,
  call: SimCall,
): unknown {
  const filters = readFilters(call);
  checkFilterNames(filters, readers);
  const named = Object.entries(keys).map(([field, key]) => ({ key, values: textsOf(call.input, field) }));
  const asked = named.filter(({ values }) => values.length > 0);
  const chosen = asked.reduce((left, { key, values }) => findNamed(left, key, values), seen);
  const found = chosen.filter((each) => matchesFilters(each, filters, { readers, now: call.now }));
  const { rows, next } = pages === undefined ? { rows: found, next: {} } : toPage(found, call, pages);
  return { [answer]: rows.map(toOutput), ...next };
}

function findNamed<Resource>(
  seen: readonly Resource[],
  key: ResourceKey<Resource>,
  values: readonly string[],
): readonly Resource[] {
  const missing = values.find((value) => !seen.some((each) => key.of(each) === value));
  if (missing !== undefined) throw key.missing(missing);
  return seen.filter((each) => values.includes(key.of(each)));
}
