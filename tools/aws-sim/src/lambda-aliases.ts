import { findRecord, findText, type SimCall, textOf } from "./sim-call.ts";
import { SimFault } from "./sim-fault.ts";

/** A published version of a function. */
export interface FunctionVersion {
  /** Default: as the function. */
  readonly handler?: (event: unknown) => unknown;
  /** Its execution role. Default: one for all versions. */
  readonly role?: string;
  /** The ARN of its dead-letter queue. Default: none. */
  readonly deadLetters?: string;
}

/** An alias: where most calls go, and the part that goes to a second version. */
export interface LiveAlias {
  version: string;
  second?: { readonly version: string; readonly weight: number };
  revision: number;
  /** Calls that are owed to the second version, from 0 to 1. */
  owed: number;
}

/** A function with its versions and aliases. */
export interface Aliased {
  readonly arn: string;
  readonly versions: ReadonlyMap<string, FunctionVersion>;
  readonly aliases: ReadonlyMap<string, LiveAlias>;
}

const LATEST = "$LATEST";

/** Implements GetAlias. Without weights the answer has no `RoutingConfig`. */
export function getAlias(live: Aliased, call: SimCall): unknown {
  const { name, alias } = findAlias(live, call);
  return toAnswer(live, name, alias);
}

/**
 * Implements UpdateAlias: what is left out is not changed, so weights end only with an empty map. Sources: API
 * reference, "UpdateAlias" and "AliasRoutingConfiguration"; developer guide, "Traffic shifting using aliases": at most two
 * versions, both published, with the same role and the same dead-letter queue.
 */
export function updateAlias(live: Aliased, call: SimCall): unknown {
  const { name, alias } = findAlias(live, call);
  const { input } = call;
  const revision = findText(input, "RevisionId");
  if (revision !== undefined && revision !== toRevision(alias)) {
    const why = "The RevisionId provided does not match the latest RevisionId. Call the GetAlias API to retrieve it.";
    throw new SimFault("PreconditionFailedException", 412, why, { Type: "User" });
  }
  const version = findText(input, "FunctionVersion") ?? alias.version;
  const routing = findRecord(input, "RoutingConfig");
  const second = routing === undefined ? alias.second : toSecond(routing);
  checkVersions(live, version, second?.version);
  Object.assign(alias, { version, second, revision: alias.revision + 1, owed: 0 });
  return toAnswer(live, name, alias);
}

/** Returns the version that a call runs: of an alias with weights, the second one for its part of the calls. */
export function pickVersion({ arn, versions, aliases }: Aliased, qualifier: string | undefined): string {
  if (qualifier === undefined || qualifier === LATEST || versions.has(qualifier)) return qualifier ?? LATEST;
  const alias = aliases.get(qualifier);
  if (alias === undefined) throw notFound(`Function not found: ${arn}:${qualifier}`);
  const { version, second } = alias;
  if (second === undefined) return version;
  alias.owed += second.weight;
  // Sums of weights are a little less than whole numbers.
  if (alias.owed < 1 - 1e-9) return version;
  alias.owed -= 1;
  return second.version;
}

function findAlias({ arn, aliases }: Aliased, { input }: SimCall) {
  const name = textOf(input, "Name");
  const alias = aliases.get(name);
  if (alias === undefined) throw notFound(`Cannot find alias arn: ${arn}:${name}`);
  return { name, alias };
}

function toSecond(routing: Readonly<Record<string, unknown>>): LiveAlias["second"] {
  const weights = Object.entries(findRecord(routing, "AdditionalVersionWeights") ?? {});
  if (weights.length > 1) throw invalid("An alias can point to at most two versions.");
  const [first] = weights;
  if (first === undefined) return undefined;
  const [version, weight] = [first[0], Number(first[1])];
  if (weight >= 0 && weight <= 1) return { version, weight };
  throw invalid(`Value '{${version}=${first[1]}}' at 'routingConfig.additionalVersionWeights' must be from 0.0 to 1.0`);
}

function checkVersions({ arn, versions }: Aliased, version: string, second: string | undefined): void {
  for (const each of [version, second]) {
    if (each !== undefined && each !== LATEST && !versions.has(each))
      throw notFound(`Function not found: ${arn}:${each}`);
  }
  if (second === undefined) return;
  if (version === LATEST || second === LATEST) {
    throw invalid("$LATEST is not supported for an alias pointing to more than 1 version");
  }
  if (version === second) {
    const why = `Function version ${version} is already included in routing configuration.`;
    throw invalid(`Invalid function version ${version}. ${why}`);
  }
  const [one, other] = [versions.get(version), versions.get(second)];
  if (one?.role !== other?.role) throw invalid("Specified versions must be associated with the same execution role");
  if (one?.deadLetters !== other?.deadLetters) {
    throw invalid("Specified versions must have the same dead letter queue configuration");
  }
}

function toAnswer({ arn }: Aliased, Name: string, alias: LiveAlias): unknown {
  const { version, second } = alias;
  const RoutingConfig = second && { AdditionalVersionWeights: { [second.version]: second.weight } };
  const answer = { AliasArn: `${arn}:${Name}`, Name, FunctionVersion: version, Description: "" };
  return { ...answer, RevisionId: toRevision(alias), ...(RoutingConfig && { RoutingConfig }) };
}

function toRevision({ revision }: LiveAlias): string {
  return `00000000-0000-4000-8000-${String(revision).padStart(12, "0")}`;
}

function notFound(message: string): SimFault {
  return new SimFault("ResourceNotFoundException", 404, message, { Type: "User" });
}

function invalid(message: string): SimFault {
  return new SimFault("InvalidParameterValueException", 400, message, { Type: "User" });
}
