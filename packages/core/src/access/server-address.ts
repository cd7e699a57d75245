/** Returns what is wrong with `server.url`, as a sentence; undefined for an address at which a yard can be reached. */
export function findServerUrlFault(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return `server.url: "${text}" must be an address such as https://stackyard.example.org.`;
  }
  if (url.pathname === "/" && url.search === "" && url.hash === "") return undefined;
  // Cookies of the host, redirects of logins and the files of the console are at the root.
  return `server.url: "${text}" must not have a path. A yard needs its own host name, such as ${url.origin}.`;
}

/** The parts of `server` in the configuration that say where requests come from. */
export interface ServerAddress {
  readonly url?: string | undefined;
  readonly trustedProxies?: readonly string[] | undefined;
}

/**
 * Returns a warning when a proxy must be in front of the server, because it is reached by another address than the
 * loopback, but no proxy is trusted: then all clients share the proxy's address, and with it the limits by address.
 */
export function findProxyWarning({ url, trustedProxies = [] }: ServerAddress): string | undefined {
  if (url === undefined || trustedProxies.length > 0 || isLoopbackUrl(url)) return undefined;
  return `${url} is reached through a proxy, but server.trustedProxies is empty: all clients have the address of the proxy and share its limits.`;
}

/** Returns true for an address that only programs on this machine reach. */
export function isLoopbackUrl(text: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(URL.parse(text)?.hostname ?? "");
}
