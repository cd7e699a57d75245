import { findAccountName, formatAccount } from "@stackyard/core";
import { yard } from "./client.ts";
import { keys } from "./keys.ts";
import { useLoad } from "./use-load.ts";

/** Without names, the numbers are shown. */
const NO_NAMES = {};

function useAccountNames() {
  const { data } = useLoad(keys.count("yard"), (request) => yard.info(request));
  return data?.accounts === undefined ? NO_NAMES : data.accounts;
}

/** Returns a function that names an AWS account as the yard's configuration does; undefined where that has no name for it. */
export function useAccountName(): (account: string) => string | undefined {
  const names = useAccountNames();
  return (account) => findAccountName(names, account);
}

/** Returns a function that formats a place in AWS for people: `shop-prod (111122223333 eu-west-1)`. */
export function usePlaceName(): (account: string, ...place: readonly string[]) => string {
  const names = useAccountNames();
  return (account, ...place) => formatAccount(names, account, ...place);
}
