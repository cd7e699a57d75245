import { DescribeAccountCommand, type OrganizationsClient } from "@aws-sdk/client-organizations";
import { asProbe, toAnswer } from "@stackyard/aws";
import type { Clock } from "@stackyard/core";

/** An organization whose accounts may receive artifacts. */
export interface Organization {
  /** Returns whether an account is an active member; `unknown`: the organization cannot be asked. */
  find(account: string): Promise<Membership>;
}

/** `out`: the account is not in the organization, or is closed or being closed. A suspended one can come back. */
export type Membership = "member" | "out" | "unknown";

interface OrganizationInput {
  /** With the identity of the management account or of a delegated administrator: all others are denied. */
  readonly client: OrganizationsClient;
  readonly clock: Pick<Clock, "now">;
}

const KEEP_MS = 10 * 60_000;

/**
 * Creates an organization over AWS Organizations. It keeps what it knows for ten minutes, except that an account is out.
 * Source: Organizations API reference, "DescribeAccount" and "Account" (`State`).
 */
export function createOrganization({ client, clock }: OrganizationInput): Organization {
  const known = new Map<string, { readonly until: number; readonly membership: Membership }>();
  return {
    async find(account) {
      const found = known.get(account);
      if (found !== undefined && found.until > clock.now()) return found.membership;
      const membership = await describe(client, account);
      known.set(account, { membership, until: membership === "out" ? 0 : clock.now() + KEEP_MS });
      return membership;
    },
  };
}

async function describe(client: OrganizationsClient, AccountId: string): Promise<Membership> {
  try {
    const { Account } = await client.send(asProbe(new DescribeAccountCommand({ AccountId })));
    const state = Account?.State ?? Account?.Status;
    if (state === undefined) return "unknown";
    return state === "CLOSED" || state === "PENDING_CLOSURE" ? "out" : "member";
  } catch (error) {
    return toAnswer(error) === "gone" ? "out" : "unknown";
  }
}
