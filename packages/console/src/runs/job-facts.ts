import { isMap } from "@stackyard/core";
import type { Job } from "@stackyard/sdk/jobs";
import { findVersion, type Version } from "../api/stack-facts.ts";
import { toSafeLink } from "../text/safe-text.ts";

/** The facts of a job's config and target that its head shows. */
export interface JobFacts {
  /** Such as `eu-west-1, prod`; empty where the job names no place. */
  readonly where: string;
  readonly version: Version | undefined;
  /** Addresses, such as those of a commit and of a pull request, by the name of their value. */
  readonly links: readonly { readonly name: string; readonly href: string }[];
}

/** Keys of a config that name a place, the widest first. */
const PLACES = [
  "account",
  "region",
  "cluster",
  "environment",
  "host",
  "service",
  "functionName",
  "instanceId",
] as const;

/** Parts of a config whose values count as its own: the document of a release, what a caller has added. */
const PARTS = ["release", "metadata"] as const;

const MOST_LINKS = 3;

/**
 * Returns where a job works, on what version, and its links, from the plain values of its config and target.
 * `nameAccount` formats an account for people.
 */
export function findJobFacts(
  { config, target = {} }: Pick<Job, "config" | "target">,
  nameAccount: (account: string) => string = (account) => account,
): JobFacts {
  const parts = PARTS.flatMap((name) => (isMap(config[name]) ? [config[name]] : []));
  const values = toPlain(Object.assign({}, ...parts, config, target));
  const where = PLACES.flatMap((key) => {
    if (values[key] === undefined) return [];
    return [key === "account" ? nameAccount(String(values[key])) : String(values[key])];
  });
  const links = Object.entries(values).flatMap(([name, value]) =>
    typeof value === "string" && toSafeLink(value) !== undefined ? [{ name, href: value }] : [],
  );
  return { where: where.join(", "), version: findRevision(values), links: links.slice(0, MOST_LINKS) };
}

/** A commit is more exact than the name of a release, which the page has as its title. */
function findRevision(values: Plain): Version | undefined {
  const { revision, ...others } = values;
  return findVersion(revision === undefined ? others : { commit: revision });
}

type Plain = Parameters<typeof findVersion>[0];

function toPlain(config: Job["config"]): Plain {
  const plain = Object.entries(config).filter((entry): entry is [string, Plain[string]] =>
    ["string", "number", "boolean"].includes(typeof entry[1]),
  );
  return Object.fromEntries(plain);
}
