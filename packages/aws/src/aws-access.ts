import type { STSClient } from "@aws-sdk/client-sts";
import {
  type AwsCredentials,
  type Clock,
  defined,
  isStackyardError,
  type Logger,
  RecentMap,
  StackyardError,
  silentLogger,
} from "@stackyard/core";
import type { YardDeps } from "@stackyard/core/engine";
import { usesProxies } from "@stackyard/core/environment";
import type { CallerIdentity, RoleTarget, SessionCredentials, SessionOptions } from "./assume-role.ts";
import { createCallPlugin } from "./call-plugin.ts";
import { type ClientPlugin, createLimiter, createLimiterPlugin, type Limiter } from "./limiter.ts";
import { createRoleAges, type RoleAges } from "./new-role.ts";
import {
  type CheckedTarget,
  checkTarget,
  createClientCache,
  createRemembered,
  type Remembered,
  type TargetDefaults,
} from "./target-identity.ts";
import { createUploadPlugin, type UploadEncryption } from "./upload-encryption.ts";

/** A process's access to AWS. The engine passes it to executors; a process's own work uses it with no target. */
export type AwsAccess = NonNullable<YardDeps["aws"]>;

/** The options of a process's access to AWS. */
export interface AwsAccessOptions {
  readonly clock: Clock;
  /** The names, tags and duration of sessions in targets. */
  readonly session: SessionOptions;
  /** For targets without a role. Without it they must be in the process's own account. */
  readonly targets?: TargetDefaults;
  /** The process's own region. Default: the SDK's (environment, shared files). */
  readonly region?: string;
  /** The process's own credentials. Default: the SDK's. */
  readonly credentials?: AwsCredentials | (() => Promise<AwsCredentials>);
  /** Maximum tries of a call, including the first one, if the SDK may retry it. Default: 5. */
  readonly maxAttempts?: number;
  /** Shared between several accesses of a process. Default: a separate limiter, for the documented quotas. */
  readonly limiter?: Limiter;
  /**
   * Repeats a denied call for two minutes after the first call of a role, because a new role is denied for a
   * while. Default: true; false for commands, whose user waits and has used the role before.
   */
  readonly retriesDenials?: boolean;
  /** Added to every client, STS included: telemetry, for example. */
  readonly plugins?: readonly ClientPlugin[];
  /** Added to every client's configuration: `{ forcePathStyle: true }` for an emulator of S3. */
  readonly clientConfig?: Readonly<Record<string, unknown>>;
  /** How uploads to S3 name their encryption (`findUploadEncryption`). Undefined: they do not. */
  readonly uploads?: UploadEncryption | undefined;
  /** The environment of the process, which may name a proxy for https. Default: none is used. */
  readonly proxies?: Readonly<Record<string, string | undefined>>;
  /** Address of STS, where roles are assumed. Default: that of `clientConfig`, else the SDK's. */
  readonly stsEndpoint?: string;
  /** Default: none. */
  readonly logger?: Logger;
}

const DEFAULT_MAX_ATTEMPTS = 5;
/** Credentials for another program come from a session with at least this share of its time left. */
const HANDED_OUT_SHARE = 0.75;
/** Targets come from tasks, and each session contains credentials that are valid for an hour. */
const MAX_SESSIONS = 500;
/** The name of the process's own account and role. */
const OWN = "own";
/**
 * The SDK waits without end for some services and a quarter of an hour for others, and what waits may be the only reader of a
 * queue. Longer than the longest answer: a receive of SQS, which is silent for 20 s.
 */
const TIMEOUTS = { connectionTimeout: 5_000, socketTimeout: 30_000 };

/**
 * Creates access to AWS for one process: one client per service and target, credentials of targets by AssumeRole,
 * renewed before they expire, and one limiter for all. A target in another account needs a role; one in another
 * partition is unreachable. Create one per process. Its calls throw `CONFIG_INVALID` for invalid targets; the client's
 * calls throw the errors of STS.
 */
export function createAwsAccess(options: AwsAccessOptions): AwsAccess {
  const shell = createShell(options);
  const sessions = new RecentMap<string, RenewedCredentials>(MAX_SESSIONS);
  const clients = createClientCache();

  function findSession(target: RoleTarget): RenewedCredentials {
    const { clock, logger = silentLogger } = options;
    const make = () => createRenewedCredentials({ load: () => beginSession(shell, target), clock, logger });
    const key = [target.roleArn, target.externalId].join("|");
    return sessions.findOr(key, make);
  }

  async function loadCredentials(target: CheckedTarget, share?: number): Promise<AwsCredentials> {
    if (hasRole(target)) return findSession(target).get(share);
    await checkOwnAccount(shell, target);
    return shell.ownCredentials(target.region);
  }

  return {
    client(clientClass, target) {
      const checked = target && checkTarget(target, options.targets);
      return clients.find(clientClass, checked, () => {
        const config = checked
          ? { region: checked.region, credentials: () => loadCredentials(checked) }
          : toOwnConfig(options);
        return shell.equip(new clientClass({ ...shell.config, ...config } as never), checked);
      });
    },
    async credentials(target) {
      if (target === undefined) return shell.ownCredentials(undefined);
      return loadCredentials(checkTarget(target, options.targets), HANDED_OUT_SHARE);
    },
  };
}

/** Loads the account of the process's own credentials from STS; needs no permission (GetCallerIdentity). */
export async function loadOwnAccount(access: AwsAccess): Promise<string> {
  const [{ STSClient }, { loadCallerIdentity }] = await Promise.all([
    import("@aws-sdk/client-sts"),
    import("./assume-role.ts"),
  ]);
  return (await loadCallerIdentity(access.client(STSClient, undefined))).account;
}

/** The parts that all clients share. */
interface Shell {
  readonly options: AwsAccessOptions;
  readonly config: Readonly<Record<string, unknown>>;
  equip<Client>(client: Client, target: CheckedTarget | undefined): Client;
  /** Creates STS in the process's own region; in the target's if it has none. */
  sts(region: string | undefined): Promise<STSClient>;
  readonly identity: (region: string | undefined) => Promise<CallerIdentity>;
  ownCredentials(region: string | undefined): Promise<AwsCredentials>;
}

function createShell(options: AwsAccessOptions): Shell {
  const limiter = options.limiter ?? createLimiter({ clock: options.clock });
  const maxAttempts = options.maxAttempts ?? DEFAULT_MAX_ATTEMPTS;
  const { proxies, uploads } = options;
  // Node compares NO_PROXY itself.
  const agent = proxies !== undefined && usesProxies(proxies) ? { httpsAgent: { proxyEnv: proxies } } : {};
  const requestHandler = { ...TIMEOUTS, ...agent };
  const config = { retryMode: "adaptive", maxAttempts, requestHandler, ...options.clientConfig };
  const byRegion = new Map<string, STSClient>();
  const ages = options.retriesDenials === false ? undefined : findRoleAges(limiter, options.clock);
  let identity: Remembered<CallerIdentity> | undefined;

  function equip<Client>(client: Client, target: CheckedTarget | undefined): Client {
    if (!isSdkClient(client)) return client;
    const { account, roleArn: role = OWN } = target ?? {};
    const isOwn = account === undefined;
    const toAccount = (): string => (isOwn || account === identity?.known()?.account ? OWN : account);
    const region = () => client.config.region();
    // Outside of the next one, which explains denials by what was sent.
    if (uploads !== undefined) client.middlewareStack.use(createUploadPlugin(uploads));
    client.middlewareStack.use(createCallPlugin({ clock: options.clock, ages, role }));
    client.middlewareStack.use(createLimiterPlugin({ limiter, region, account: toAccount }));
    for (const plugin of options.plugins ?? []) client.middlewareStack.use(plugin);
    return client;
  }

  async function findSts(region: string | undefined): Promise<STSClient> {
    // It takes a tenth of a second to load, and a process that reaches no other account does without.
    const { STSClient } = await import("@aws-sdk/client-sts");
    const known = byRegion.get(region ?? "");
    if (known !== undefined) return known;
    const settings = {
      ...config,
      ...toOwnConfig(options),
      ...(region && { region }),
      ...defined({ endpoint: options.stsEndpoint }),
    };
    const sts = equip(new STSClient(settings as never), undefined);
    byRegion.set(region ?? "", sts);
    return sts;
  }

  async function sts(region: string | undefined): Promise<STSClient> {
    const own = await findSts(options.region);
    const found = await own.config.region().catch(() => undefined);
    return found === undefined && region !== undefined ? findSts(region) : own;
  }

  return {
    options,
    config,
    equip,
    sts,
    identity(region) {
      identity ??= createRemembered(async () => {
        const { loadCallerIdentity } = await import("./assume-role.ts");
        return loadCallerIdentity(await sts(region));
      });
      return identity.get();
    },
    ownCredentials: async (region) => toPlain(await (await sts(region)).config.credentials()),
  };
}

const agesByLimiter = new WeakMap<Limiter, RoleAges>();

/** Accesses that share a limiter belong to one process, and a role is new only once. */
function findRoleAges(limiter: Limiter, clock: Clock): RoleAges {
  const ages = agesByLimiter.get(limiter) ?? createRoleAges(clock);
  agesByLimiter.set(limiter, ages);
  return ages;
}

async function beginSession(shell: Shell, target: RoleTarget) {
  const { session } = shell.options;
  const { partition, isRole, arn } = await shell.identity(target.region);
  if (partition !== target.partition) {
    const why = `The region ${target.region} is in the partition "${target.partition}". The credentials of ${arn} are valid only in "${partition}".`;
    throw new StackyardError("CONFIG_INVALID", `${why} Run a separate runner there.`);
  }
  const { assumeRole } = await import("./assume-role.ts");
  return assumeRole(await shell.sts(target.region), { target, session, isChained: isRole });
}

/** Throws for a target without a role in another account: the work would be done in the process's own account. */
async function checkOwnAccount(shell: Shell, { account, region }: CheckedTarget): Promise<void> {
  const own = await shell.identity(region);
  if (own.account === account) return;
  const why = `The target ${account} in ${region} has no role. This process has credentials only for ${own.account}.`;
  throw new StackyardError("CONFIG_INVALID", `${why} Set a role for the target.`);
}

function hasRole(target: CheckedTarget): target is RoleTarget {
  return target.roleArn !== undefined;
}

function toOwnConfig({ region, credentials }: AwsAccessOptions): Readonly<Record<string, unknown>> {
  return defined({ region, credentials });
}

function toPlain({ accessKeyId, secretAccessKey, sessionToken, expiration }: AwsCredentials): AwsCredentials {
  return { accessKeyId, secretAccessKey, ...defined({ sessionToken, expiration }) };
}

interface SdkClient {
  readonly middlewareStack: { use(plugin: ClientPlugin): void };
  readonly config: { region(): Promise<string> };
}

/** Returns true for a client of the SDK; other objects with the configuration have no calls to limit. */
function isSdkClient(client: unknown): client is SdkClient {
  return typeof client === "object" && client !== null && "middlewareStack" in client && "config" in client;
}

/** Credentials that are renewed before they end. */
interface RenewedCredentials {
  /** Credentials that are good for five minutes, and that have at least so much of their time before them (0 to 1). */
  get(share?: number): Promise<SessionCredentials>;
}

/** The dependencies of renewed credentials. */
interface RenewedCredentialsInput {
  readonly load: () => Promise<SessionCredentials>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The SDK treats credentials as expired five minutes before their end. */
const MIN_MS = 5 * 60_000;
/** In the last quarter of its time a session is renewed in the background, so that no call waits for it. */
const AHEAD_SHARE = 0.25;
/** Pause after a failed renewal while the session is still valid. */
const AGAIN_MS = 30_000;

/** Maintains one session: one renewal at a time, and the last session while a renewal fails and it is still valid. */
export function createRenewedCredentials({ load, clock, logger }: RenewedCredentialsInput): RenewedCredentials {
  let current: SessionCredentials | undefined;
  let lifeMs = 0;
  let loading: Promise<SessionCredentials> | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;

  function leftMs(): number {
    return current === undefined ? Number.NEGATIVE_INFINITY : current.expiration.getTime() - clock.now();
  }

  function renew(): Promise<SessionCredentials> {
    loading ??= load()
      .then((loaded) => {
        current = loaded;
        lifeMs = leftMs();
        return loaded;
      })
      .catch((error: unknown) => {
        failedAt = clock.now();
        throw error;
      })
      .finally(() => {
        loading = undefined;
      });
    return loading;
  }

  function mayTry(): boolean {
    return clock.now() - failedAt >= AGAIN_MS;
  }

  async function renewOrKeep(): Promise<SessionCredentials> {
    const last = current;
    if (last !== undefined && leftMs() > 0 && !mayTry()) return last;
    try {
      return await renew();
    } catch (error) {
      if (last === undefined || leftMs() <= 0 || !isPassing(error)) throw error;
      logger.warn("A session could not be renewed. The last one is used until it expires.", { error });
      return last;
    }
  }

  return {
    async get(share = 0) {
      if (current === undefined || leftMs() < Math.max(MIN_MS, lifeMs * share)) return renewOrKeep();
      if (leftMs() < lifeMs * AHEAD_SHARE && mayTry()) {
        renew().catch((error: unknown) => logger.warn("A session could not be renewed before it expires.", { error }));
      }
      return current;
    },
  };
}

/**
 * Returns true for transient errors. Others end the session: a revoked role must not be used after a failed renewal.
 */
function isPassing(error: unknown): boolean {
  return isStackyardError(error) && error.retryable;
}
