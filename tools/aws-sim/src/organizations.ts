import { jsonFaults } from "./service-faults.ts";
import { type SimService, textOf } from "./sim-call.ts";
import { SimFault } from "./sim-fault.ts";

/** The states of a member ("Account", `State`). */
type MemberState = "ACTIVE" | "SUSPENDED" | "PENDING_CLOSURE" | "CLOSED";

/** One organization, and who may ask it. */
interface SimOrganizations {
  readonly service: SimService;
  /** Lets the account ask, as the management account or a delegated administrator. */
  admit(account: string): void;
  /** Adds a member, or changes its state. */
  setMember(account: string, state?: MemberState): void;
  /** Removes a member: it has left. */
  removeMember(account: string): void;
}

/** Creates an organization without members. Source: Organizations API reference, "DescribeAccount". */
export function createOrganizations(): SimOrganizations {
  const members = new Map<string, MemberState>();
  const admitted = new Set<string>();
  return {
    service: {
      operations: {
        DescribeAccount({ input, identity }) {
          // All other accounts are denied, whatever their policies allow.
          if (!admitted.has(identity.account)) {
            throw new SimFault("AccessDeniedException", 400, "You don't have permissions to access this resource.");
          }
          const Id = textOf(input, "AccountId");
          const State = members.get(Id);
          if (State === undefined) {
            throw new SimFault("AccountNotFoundException", 400, "You specified an account that doesn't exist.");
          }
          return { Account: { Id, State } };
        },
      },
      toAction: (operation) => `organizations:${operation}`,
      faults: jsonFaults,
    },
    admit: (account) => void admitted.add(account),
    setMember: (account, state = "ACTIVE") => void members.set(account, state),
    removeMember: (account) => void members.delete(account),
  };
}
