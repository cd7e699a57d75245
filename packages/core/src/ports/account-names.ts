/** Names of AWS accounts by their ids, as the configuration has them in `accounts`. */
export type AccountNames = Readonly<Record<string, string>>;

/** Returns the configured name of an account; undefined where it has none. */
export function findAccountName(names: AccountNames, account: string): string | undefined {
  return Object.hasOwn(names, account) ? names[account] : undefined;
}

/**
 * Returns an account for people: `shop-prod (111122223333)`, or the id alone where it has no name. Further parts of the
 * place follow the id: `shop-prod (111122223333 eu-west-1)`. The id stays, because only it is unique.
 */
export function formatAccount(names: AccountNames, account: string, ...place: readonly string[]): string {
  const id = [account, ...place].join(" ");
  const name = findAccountName(names, account);
  return name === undefined ? id : `${name} (${id})`;
}

/** Returns the value with the name of its account as `accountName`, or the same value where that has none. */
export function withAccountName<Value extends object>(
  names: AccountNames,
  value: Value,
  account: string | undefined,
): Value & { readonly accountName?: string } {
  const accountName = account === undefined ? undefined : findAccountName(names, account);
  return accountName === undefined ? value : { ...value, accountName };
}
