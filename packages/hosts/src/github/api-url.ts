/**
 * Returns the address of the API of a GitHub: with data residency (`NAME.ghe.com`) it is a host of its own, on a GitHub
 * Enterprise Server a path. Source: "Getting started with the REST API", GitHub Enterprise Cloud and Server docs.
 */
export function toApiUrl(url: string): string {
  const { protocol, host } = new URL(url);
  return host.endsWith(".ghe.com") ? `${protocol}//api.${host}` : `${url.replace(/\/$/, "")}/api/v3`;
}
