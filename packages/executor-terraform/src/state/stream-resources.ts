/** A resource as every message of the stream names it. */
export interface ResourceFacts {
  readonly address: string;
  /** False for data sources and ephemeral resources. */
  readonly isManaged: boolean;
  /** The prefix of its type. */
  readonly provider: string;
}

/** A managed resource of the state after an apply. */
export interface StreamResource {
  readonly address: string;
  /** True if the apply has created the object, so that an earlier ARN is no longer its own. */
  readonly isNew: boolean;
  /** False for the resources of providers that create nothing outside of the state or the runner. */
  readonly mayHaveArn: boolean;
}

/** A resource that was in the state, that something else has changed or deleted, or that is to be changed. */
export type ResourceMessage =
  | ({ readonly kind: "refreshed" } & ResourceFacts)
  | ({ readonly kind: "drifted"; readonly text: string } & ResourceChange)
  /** `isImport`: the object exists already, and comes into the state. */
  | ({ readonly kind: "planned"; readonly isImport?: true } & ResourceChange);

/** A change of a resource that is planned, or that something else has made. */
export interface ResourceChange extends ResourceFacts {
  readonly action: string;
}

interface OtherMessage {
  readonly kind: string;
  readonly isManaged?: never;
}

/** Follows the content of the state through the stream of one apply. */
interface StreamResources {
  /** Messages of other kinds have no effect. */
  add(message: ResourceMessage | OtherMessage): void;
  /** The resources that are left; undefined if the stream does not contain them. */
  list(): readonly StreamResource[] | undefined;
}

/** Providers of HashiCorp without ARNs, by the prefix of their types (their documentation in the registry). */
const WITHOUT_ARNS: ReadonlySet<string> = new Set([
  ...["terraform", "null", "random", "time", "tls", "local", "archive", "http", "external", "template", "cloudinit"],
]);

/** Actions after which a resource is not in the state. */
const REMOVING: ReadonlySet<string> = new Set(["delete", "remove", "forget"]);
const CREATING: ReadonlySet<string> = new Set(["create", "replace"]);

/**
 * Collects the resources of the state: an apply first refreshes all that it contains, then plans, and one that succeeds
 * has done what it planned.
 */
export function createStreamResources(): StreamResources {
  const found = new Map<string, StreamResource>();
  let isClear = true;
  return {
    add(message) {
      if (message.isManaged !== true) return;
      const { kind, address, provider } = message;
      const action = kind === "refreshed" ? "" : message.action;
      // It also has an object that a replacement has left behind; a plan does not say which of them it deletes.
      if (kind === "refreshed" && found.has(address)) isClear = false;
      if (REMOVING.has(action)) {
        found.delete(address);
      } else if (kind !== "drifted") {
        found.set(address, { address, isNew: CREATING.has(action), mayHaveArn: !WITHOUT_ARNS.has(provider) });
      }
    },
    list: () => (isClear ? [...found.values()].sort(byDepth) : undefined),
  };
}

/** Resources of the root module first, as in the list of a state; then by address. */
function byDepth({ address: a }: StreamResource, { address: b }: StreamResource): number {
  return countModules(a) - countModules(b) || (a < b ? -1 : 1);
}

function countModules(address: string): number {
  return address.match(/(?:^|\.)module\.(?=[^.[]+)/g)?.length ?? 0;
}
