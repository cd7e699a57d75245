/** The accounts that may receive artifacts. */
export interface TrustConfig {
  /** Account ids. */
  readonly accounts: readonly string[];
  /** Members are trusted when AWS itself confirms the account. */
  readonly organizationId?: string;
}

/** The source of the account id. */
export type AccountSource =
  /** Set by EventBridge on an event that the bus policy admitted by organization or account. */
  | "stamped"
  /** Taken from an input, which can contain any account. */
  | "claimed";

/** The result of a trust check. */
export type TrustVerdict =
  | { readonly kind: "trusted" }
  | { readonly kind: "rejected"; readonly code: "ACCOUNT_NOT_TRUSTED"; readonly reason: string };

const ACCOUNT = /^\d{12}$/;

/**
 * Decides whether an account may receive artifacts. A claimed account must be on the list, because the organization cannot be
 * verified. Without a list and an organization, no account is trusted.
 */
export function evaluateTrust(account: string, config: TrustConfig, source: AccountSource): TrustVerdict {
  const isMember = source === "stamped" && config.organizationId !== undefined;
  if (ACCOUNT.test(account) && (isMember || config.accounts.includes(account))) return { kind: "trusted" };
  const shown = ACCOUNT.test(account) ? `The account ${account}` : "The value";
  return { kind: "rejected", code: "ACCOUNT_NOT_TRUSTED", reason: `${shown} is not trusted by this distributor.` };
}

/** A consumer that was admitted earlier. */
interface AdmittedConsumer {
  readonly account: string;
  /** Since when its account is not trusted, in epoch milliseconds, as `compareTrust` has found out. */
  readonly distrustedAt?: number | null;
}

/** Decides whether a recorded consumer may still receive artifacts: it was admitted earlier, and can have left since. */
export function evaluateAdmitted(
  { account, distrustedAt = null }: AdmittedConsumer,
  config: TrustConfig,
): TrustVerdict {
  return evaluateTrust(account, config, distrustedAt === null ? "stamped" : "claimed");
}
