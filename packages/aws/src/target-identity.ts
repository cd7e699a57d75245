import { cutText, defined, findPartition, RecentMap, StackyardError, type Target } from "@stackyard/core";

/** A validated target. */
export interface CheckedTarget {
  readonly account: string;
  readonly region: string;
  readonly partition: string;
  /** Absent: the runner's own credentials, which must then belong to the account. */
  readonly roleArn?: string;
  readonly externalId?: string;
}

/** The defaults of a target without its own role. */
export interface TargetDefaults {
  /** A role's name, with its path where it has one. */
  readonly role?: string;
  readonly externalId?: string;
}

const ACCOUNT = /^\d{12}$/;
// IAM and STS quotas, "IAM name requirements": a role's path and name have 512 characters of this set.
const ROLE_NAME = /^[\w+=,.@-]+(\/[\w+=,.@-]+)*$/;
const ROLE_ARN = /^arn:(aws[a-z-]*):iam::(\d{12}):role\/([\w+=,.@/-]{1,512})$/;
// AssumeRole, "ExternalId": 2 to 1,224 characters.
const EXTERNAL_ID = /^[\w+=,.@:/-]{2,1224}$/;

/**
 * Checks the parts of a target, which documents and messages name, before they become part of an address or a request.
 * Throws `CONFIG_INVALID`.
 */
export function checkTarget(target: Target, defaults: TargetDefaults = {}): CheckedTarget {
  const { account, region, role = defaults.role, externalId = defaults.externalId } = target;
  if (!ACCOUNT.test(account)) throw invalid(target, "An account is a number of 12 digits, in quotes.");
  const partition = findPartition(region);
  if (partition === undefined) throw invalid(target, "Unknown region. Use one such as eu-west-1.");
  // "aws" is also the default of a target without a partition, so the region decides.
  if (target.partition !== partition && target.partition !== "aws") {
    throw invalid(target, `The region is in the partition "${partition}", not "${target.partition}".`);
  }
  if (externalId !== undefined && !EXTERNAL_ID.test(externalId)) {
    throw invalid(target, "An external id has 2 to 1,224 letters, digits and _+=,.@:/- characters.");
  }
  const checked = { account, region, partition };
  if (role === undefined) return checked;
  return { ...checked, roleArn: toRoleArn(target, role, partition), ...defined({ externalId }) };
}

function toRoleArn(target: Target, role: string, partition: string): string {
  const [arn, ofPartition, ofAccount] = ROLE_ARN.exec(role) ?? [];
  if (arn === undefined) {
    if (role.length <= 512 && ROLE_NAME.test(role)) return `arn:${partition}:iam::${target.account}:role/${role}`;
    throw invalid(target, `"${cutText(role, 100)}" is neither a role's name nor its ARN.`);
  }
  if (ofPartition === partition && ofAccount === target.account) return arn;
  throw invalid(target, `The role ${arn} is of another account or partition.`);
}

function invalid({ account, region }: Target, why: string): StackyardError {
  const what = `The target ${JSON.stringify(cutText(account, 20))} in ${JSON.stringify(cutText(region, 40))} is invalid.`;
  return new StackyardError("CONFIG_INVALID", `${what} ${why}`);
}

type Constructor<Client> = new (config: never) => Client;

/** Clients by constructor and target. */
interface ClientCache {
  find<Client>(clientClass: Constructor<Client>, target: CheckedTarget | undefined, make: () => Client): Client;
}

/** Targets come from tasks: the least recently used client is evicted, with its idle connections. */
const MAX_CLIENTS = 500;

/** Creates a cache with one client per service and target. */
export function createClientCache(maxClients = MAX_CLIENTS): ClientCache {
  const ids = new Map<unknown, number>();
  const clients = new RecentMap<string, unknown>(maxClients);

  function toKey(clientClass: unknown, target: CheckedTarget | undefined): string {
    const id = ids.get(clientClass) ?? ids.size;
    ids.set(clientClass, id);
    return JSON.stringify([id, target?.account, target?.region, target?.roleArn, target?.externalId]);
  }

  return {
    find<Client>(clientClass: Constructor<Client>, target: CheckedTarget | undefined, make: () => Client) {
      // An evicted client is not destroyed: a call may be waiting for its answer.
      const client = clients.findOr(toKey(clientClass, target), make);
      // Only results of `make` of the same constructor are stored under the key.
      return client as Client;
    },
  };
}

/** Loads once, on first use. A failed load is repeated by the next call. */
export function createRemembered<Value>(load: () => Promise<Value>): Remembered<Value> {
  let loading: Promise<Value> | undefined;
  let known: Value | undefined;
  return {
    known: () => known,
    get() {
      loading ??= load().then(
        (value) => {
          known = value;
          return value;
        },
        (error: unknown) => {
          loading = undefined;
          throw error;
        },
      );
      return loading;
    },
  };
}

/** A value and whether it is there yet. */
export interface Remembered<Value> {
  get(): Promise<Value>;
  known(): Value | undefined;
}
