import { type AccountNames, formatAccount } from "@stackyard/core";
import { toCell } from "@stackyard/sdk/commands";

/** A name of an account has at most 64 characters, and its id 12. */
const MAX_ACCOUNT = 80;

/** Formats an account with its configured name, for tables. */
export function toAccountCell(accounts: AccountNames, account: string): string {
  return toCell(formatAccount(accounts, toCell(account, 20)), MAX_ACCOUNT);
}
