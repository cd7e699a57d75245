import { cutText, isMap, isStackyardError } from "@stackyard/core";
import { type ForeignJson, readForeignJson } from "@stackyard/core/programs";

/** The known facts of a state that a yard takes over. */
export interface StateFacts {
  readonly lineage: string;
  readonly serial: number;
  /** Resources, without data sources. */
  readonly resources: number;
  /** The addresses of its providers, as `registry.terraform.io/hashicorp/aws`. The plan starts them. */
  readonly providers: readonly string[];
}

/** A state, or why a yard does not take it. */
export type ParsedState =
  | { readonly kind: "state"; readonly facts: StateFacts; readonly text: string }
  /** `isForeign`: not a state at all, such as the page of a proxy or a part of a state. */
  | { readonly kind: "refused"; readonly reason: string; readonly isForeign: boolean };

/** The format of Terraform 0.12 and later, and of OpenTofu. */
const FORMAT = 4;

/** Reads the bytes of a state. Refuses what Terraform would not read, what names nothing that exists, and what is too large. */
export async function parseState(bytes: Uint8Array): Promise<ParsedState> {
  const text = toText(bytes);
  if (text === undefined) return refuse("It is not UTF-8.", true);
  const providers = new Set<string>();
  let managed = 0;
  const onEntry = (_: string, resource: unknown): void => {
    if (!isMap(resource)) return;
    if (resource["mode"] === "managed") managed += 1;
    const provider = findProvider(resource["provider"]);
    if (provider !== undefined) providers.add(provider);
  };
  const parts = { ...PARTS, resources: "each" } as const;
  const state = await readParts(bytes, { parts, onEntry });
  if (typeof state === "string") return refuse(state);
  if (state === undefined) return refuse("It is not a JSON object.", true);
  if ("encrypted_data" in state) return refuse("It is encrypted. Decrypt it first: `tofu state pull`.");
  const { version, lineage, serial, resources } = state;
  if (version !== FORMAT)
    return refuse(
      `Its format is ${toFormat(version)}, not ${FORMAT}. Run \`terraform apply\` with Terraform 1.`,
      version === undefined,
    );
  if (typeof lineage !== "string" || lineage === "") return refuse("It has no lineage.");
  if (!LINEAGE.test(lineage)) return refuse("Its lineage is not a word of at most 128 characters.");
  if (!Number.isSafeInteger(serial)) return refuse("It has no serial.");
  if (resources === undefined) return refuse("It has no list of resources.");
  if (managed === 0) return refuse("It has no resources: there is nothing to take over.");
  const facts = { lineage, serial: Number(serial), resources: managed, providers: [...providers].sort() };
  return { kind: "state", facts, text };
}

const PARTS = { version: "value", lineage: "value", serial: "value", encrypted_data: "length" } as const;

/** Reads parts of a state; undefined for anything but a JSON object, or the reason why it is too large. */
async function readParts(bytes: Uint8Array, more: Pick<ForeignJson, "parts" | "onEntry">) {
  try {
    return await readForeignJson({ what: "The state", from: { bytes }, ...more });
  } catch (error) {
    if (isStackyardError(error, "PAYLOAD_TOO_LARGE")) return error.message;
    throw error;
  }
}

/** Terraform writes a UUID; in a test or by hand it may be another word. */
const LINEAGE = /^[\x21-\x7e]{1,128}$/;

function toFormat(version: unknown): string {
  if (version === undefined) return "missing";
  return typeof version === "number" ? String(version) : "not a number";
}

/** Returns the address in `module.net.provider["registry.terraform.io/hashicorp/aws"].west`; another text unchanged. */
function findProvider(provider: unknown): string | undefined {
  const text = toShown(provider);
  return text && (/provider\["([^"]+)"\]/.exec(text)?.[1] ?? text);
}

/** Where the providers are that come with Terraform and OpenTofu, and those of their registries. */
const COMMON_HOSTS = ["terraform.io/builtin", "registry.terraform.io", "registry.opentofu.org"];

/** Returns the providers of other registries than these and the common ones. */
export function findForeignProviders(providers: readonly string[], registries: readonly string[]): readonly string[] {
  const known = [...COMMON_HOSTS, ...registries].map((host) => `${host}/`);
  return providers.filter((provider) => !known.some((host) => provider.startsWith(host)));
}

const MAX_SHOWN = 200;

/** Returns a text of others in one line without control characters; undefined for anything else. */
export function toShown(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  // Before anything else, so that a long one costs nothing.
  const line = value
    .slice(0, 4 * MAX_SHOWN)
    .replace(/\s+/g, " ")
    .replace(/\p{C}/gu, "")
    .trim();
  return line === "" ? undefined : cutText(line, MAX_SHOWN);
}

function refuse(reason: string, isForeign = false): ParsedState {
  return { kind: "refused", reason, isForeign };
}

function toText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The decision of a yard about a state for a key under which it may have one. */
export type Comparison =
  | { readonly kind: "new" }
  /** It has this very state. */
  | { readonly kind: "same" }
  | { readonly kind: "refused"; readonly reason: string };

/** Compares a state with the one that the yard has, if any. */
export async function compareStates(
  state: ParsedState & { kind: "state" },
  kept: string | undefined,
): Promise<Comparison> {
  if (kept === undefined) return { kind: "new" };
  if (kept === state.text) return { kind: "same" };
  const { lineage, serial } = state.facts;
  const own = await readParts(Buffer.from(kept), { parts: { lineage: "value", serial: "value" } });
  const { lineage: ownLineage, serial: ownSerial } = isMap(own) ? own : {};
  if (ownLineage !== lineage) {
    return refuseKept(
      `The yard has the state of another environment under this key (lineage ${toShown(ownLineage)}, not ${lineage}).`,
    );
  }
  if (ownSerial === serial)
    return refuseKept(
      `The yard has another content with the same serial ${serial}: one of the two was edited by hand.`,
    );
  return refuseKept(
    `The yard has this state with serial ${Number(ownSerial)}, not ${serial}: it was changed on one of the sides since.`,
  );
}

function refuseKept(reason: string): Comparison {
  return { kind: "refused", reason };
}

/** Returns how a state differs from the one that was read before; undefined when nothing has written it since. */
export function findChange(before: ParsedState & { kind: "state" }, now: ParsedState): string | undefined {
  if (now.kind === "refused") return now.reason;
  if (now.text === before.text) return undefined;
  const { lineage, serial } = before.facts;
  if (now.facts.lineage !== lineage) return `lineage ${now.facts.lineage}, not ${lineage}`;
  if (now.facts.serial !== serial) return `serial ${now.facts.serial}, not ${serial}`;
  return `other content with the same serial ${serial}`;
}

/** Returns the lineages that several states have, with their stacks: two of one lineage would destroy each other. */
export function findShared(
  states: readonly { readonly stack: string; readonly lineage: string }[],
): ReadonlyMap<string, readonly string[]> {
  const byLineage = Map.groupBy(states, ({ lineage }) => lineage);
  const shared = [...byLineage].filter(([, found]) => found.length > 1);
  return new Map(shared.map(([lineage, found]) => [lineage, found.map(({ stack }) => stack)]));
}
