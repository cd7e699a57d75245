import { findProxyWarning } from "@stackyard/core/access";
import { type Finding, warn } from "@stackyard/sdk/commands";
import type { ConfigFile } from "../project/config.ts";

/** The hint for a server behind a proxy that it does not know. */
export const TRUSTED_PROXIES_HINT = 'Name the network of the proxy: server: { trustedProxies: ["10.0.7.0/28"] }.';

/** Warns when all clients of a server behind a proxy would share one address. */
export function checkProxies({ config: { server } }: Pick<ConfigFile, "config">): readonly Finding[] {
  const warning = findProxyWarning(server ?? {});
  return warning === undefined ? [] : [warn("proxies", warning, TRUSTED_PROXIES_HINT)];
}
