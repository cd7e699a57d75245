/** Who may have artifacts. */
export interface TrustConfig {
  /** Ids of accounts. */
  readonly accounts: readonly string[];
  /** Its members are trusted where AWS itself vouches for the account. */
  readonly organizationId?: string;
}

/** How the account is known. */
export type AccountSource =
  /** Stamped by EventBridge on an event that the bus's policy, which asks for the organisation or the accounts, has let in. */
  | "stamped"
  /** Somebody has written it into an input. */
  | "claimed";

/** A judgement. */
export type TrustVerdict =
  | { readonly kind: "trusted" }
  | { readonly kind: "rejected"; readonly code: "ACCOUNT_NOT_TRUSTED"; readonly reason: string };

const ACCOUNT = /^\d{12}$/;

/**
 * May this account have artifacts? One that only somebody claims must be on the list: an organisation's id says nothing of it. Nothing
 * listed and no organisation: nobody is trusted.
 */
export function judgeTrust(account: string, config: TrustConfig, source: AccountSource): TrustVerdict {
  const isMember = source === "stamped" && config.organizationId !== undefined;
  if (ACCOUNT.test(account) && (isMember || config.accounts.includes(account))) return { kind: "trusted" };
  const shown = ACCOUNT.test(account) ? `The account ${account}` : "What should be an account";
  return { kind: "rejected", code: "ACCOUNT_NOT_TRUSTED", reason: `${shown} is not trusted by this distributor.` };
}
