import type { StackyardConfig } from "@stackyard/core";

/** Where servers listen by themselves. */
const DEFAULTS = { host: "127.0.0.1", port: 7070 };

/** Where a server listens: as the command says, else the configuration. */
export function toServerAddress(
  { server }: StackyardConfig,
  given: { readonly host?: string | undefined; readonly port?: number | undefined } = {},
): { readonly host: string; readonly port: number } {
  return {
    host: given.host ?? server?.host ?? DEFAULTS.host,
    port: given.port ?? server?.port ?? DEFAULTS.port,
  };
}

/** How this machine reaches a server that listens there. */
export function toServerUrl({ host, port }: { readonly host: string; readonly port: number }): string {
  return toReachableUrl(`http://${host.includes(":") ? `[${host}]` : host}:${port}`);
}

/** The same for its own word: who listens on all addresses is reached by the loopback. */
export function toReachableUrl(url: string): string {
  return url.replace(/\/\/(0\.0\.0\.0|\[::\])/, `//${DEFAULTS.host}`).replace(/\/$/, "");
}
