import { findProxyWarning } from "@stackyard/core/access";
import { systemClock } from "@stackyard/core/engine";
import { type Finding, failOf, ok, warn } from "../failure.ts";
import type { ConfigFile } from "../project/config.ts";

/** The hint for a server behind a proxy that it does not know. */
export const TRUSTED_PROXIES_HINT = 'Name the network of the proxy: server: { trustedProxies: ["10.0.0.0/8"] }.';

/** Checks that each issuer of the configuration answers, and by its configured name. */
export async function checkIssuers({ config: { access } }: Pick<ConfigFile, "config">): Promise<readonly Finding[]> {
  const issuers = new Set([access?.people, ...(access?.workloads ?? [])].flatMap((each) => each?.issuer ?? []));
  if (issuers.size === 0) return [];
  const { checkIssuer } = await import("@stackyard/server");
  const check = async (issuer: string): Promise<Finding> => {
    try {
      await checkIssuer(issuer, { clock: systemClock });
      return ok("issuer", `${issuer} answers.`);
    } catch (error) {
      return failOf("issuer", error, "Sign-in does not work there. Correct the issuer in `access`, or its network.");
    }
  };
  return Promise.all([...issuers].map(check));
}

/** Warns when all clients of a server behind a proxy would share one address. */
export function checkProxies({ config: { server } }: Pick<ConfigFile, "config">): readonly Finding[] {
  const warning = findProxyWarning(server ?? {});
  return warning === undefined ? [] : [warn("proxies", warning, TRUSTED_PROXIES_HINT)];
}
