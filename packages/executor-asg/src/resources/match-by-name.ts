/** What was asked for by name and what was found. */
export interface NamesToMatch {
  /** Subnets may be asked for by id too. */
  readonly kind: "security-group" | "subnet";
  readonly asked: readonly string[];
  /** All that look-ups have found. `name`: the tag `Name`. */
  readonly found: readonly NamedResource[];
}

/** Something with an id and maybe a name. */
export interface NamedResource {
  readonly id: string;
  readonly name?: string | undefined;
}

/** Each asked one with its one resource, or all that does not match. */
export type NameMatch =
  | { readonly kind: "matched"; readonly ids: readonly string[] }
  | { readonly kind: "refused"; readonly problems: readonly { readonly code: string; readonly message: string }[] };

const WORDS = { "security-group": "Security group", subnet: "Subnet" } as const;

/**
 * Finds to each name, or id, the one resource that has it, in the order asked. None, several, the same one twice, or
 * one that nobody has asked for is refused: counting alone would take two of one name for one each of two.
 */
export function matchByName({ kind, asked, ...input }: NamesToMatch): NameMatch {
  const found = [...new Map(input.found.map((resource) => [resource.id, resource])).values()];
  const unnamed = kind === "security-group" ? found.filter(({ name }) => name === undefined) : [];
  const matches = asked.map((each) => found.filter((resource) => answersTo(kind, resource, each)));
  const faults = [
    ...unnamed.map(({ id }) => fault(kind, "unnamed", `${id} has no tag "Name"`)),
    ...asked.flatMap((each, index) => findMismatch(kind, each, matches[index] ?? [])),
    ...findRepeated(kind, matches),
    ...findStrangers(kind, found, matches),
  ];
  if (faults.length > 0) return { kind: "refused", problems: faults };
  return { kind: "matched", ids: matches.flatMap((match) => match.map(({ id }) => id)) };
}

type Kind = NamesToMatch["kind"];
type Fault = { readonly code: string; readonly message: string };

/** A subnet is asked for by its id when it begins with `subnet-` and goes on; a name never looks so. */
export function isSubnetId(text: string): boolean {
  return text.startsWith("subnet-") && text.length >= 8;
}

function answersTo(kind: Kind, { id, name }: NamedResource, asked: string): boolean {
  return kind === "subnet" && isSubnetId(asked) ? id === asked : name === asked;
}

function fault(kind: Kind, code: string, text: string): Fault {
  return { code: `${kind}-${code}`, message: `${WORDS[kind]} ${text}.` };
}

function findMismatch(kind: Kind, asked: string, match: readonly NamedResource[]): readonly Fault[] {
  if (match.length === 1) return [];
  if (match.length === 0) return [fault(kind, "not-found", `"${asked}" was not found`)];
  const ids = match.map(({ id }) => id).join(", ");
  return [fault(kind, "ambiguous", `"${asked}" is the name of ${match.length}: ${ids}. It must be one`)];
}

function findRepeated(kind: Kind, matches: readonly (readonly NamedResource[])[]): readonly Fault[] {
  const ids = matches.flatMap((match) => match.map(({ id }) => id));
  const repeated = new Set(ids.filter((id, index) => ids.indexOf(id) !== index));
  return [...repeated].map((id) => fault(kind, "repeated", `${id} is asked for twice`));
}

function findStrangers(
  kind: Kind,
  found: readonly NamedResource[],
  matches: readonly (readonly NamedResource[])[],
): readonly Fault[] {
  const known = new Set(matches.flat());
  return found
    .filter((resource) => !known.has(resource) && (kind === "subnet" || resource.name !== undefined))
    .map(({ id, name }) =>
      fault(kind, "unexpected", `${id}${name === undefined ? "" : ` ("${name}")`} was not asked for`),
    );
}
