import { listExempt } from "@stackyard/core/environment";

/** In the order in which Node, curl and Go read them. */
const PROXY_NAMES = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/** Both forms of the address of IPv6: programs compare either with the host of a URL. */
const LOOPBACK = ["localhost", "127.0.0.1", "::1", "[::1]"];

/**
 * Exempts this machine from the proxy of an environment, for this process and the programs that it starts: a yard and its command line,
 * its workers and their state backend reach each other on the loopback, to which no proxy leads. Node compares `NO_PROXY` with
 * each request of `fetch`, so this holds for all requests after the call. Without a proxy nothing is changed.
 */
export function exemptLoopback(env: Record<string, string | undefined>): void {
  if (PROXY_NAMES.every((name) => !env[name])) return;
  const given = listExempt(env);
  if (given.join() === "*") return;
  const value = [...new Set([...given, ...LOOPBACK])].join(",");
  env["no_proxy"] = value;
  env["NO_PROXY"] = value;
}
