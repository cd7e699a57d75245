import { createPrivateKey } from "node:crypto";
import { RecentMap, type ServiceDeps, StackyardError } from "@stackyard/core";
import type { CodeHost } from "./code-host.ts";
import type { NamedHost } from "./delivery/receive.ts";
import { createGitHub } from "./github/create-github.ts";
import { createGitLab } from "./gitlab/create-gitlab.ts";
import { findKey, isPolledOnly } from "./host-options.ts";
import type { WarnOfRows } from "./poll/read-rows.ts";

const MOST_WARNED = 1_000;

/** The dependencies of opening a client. Without a logger, rows in lists that cannot be read are left out without a word. */
export type OpenDeps = Pick<ServiceDeps, "clock" | "readSecret"> & Partial<Pick<ServiceDeps, "logger">>;

/** The ports through which clients of hosts send requests. */
export interface HostPorts {
  readonly fetch: typeof fetch;
}

/** The clients of the hosts, by name. */
export interface CodeHosts {
  /** Opens the client of a host; returns undefined when the host's options do not allow lookups. */
  open(name: string, deps: OpenDeps): Promise<CodeHost | undefined>;
}

/** Creates them as they are needed. */
export function createCodeHosts(hosts: readonly NamedHost[], { fetch }: HostPorts = globalThis): CodeHosts {
  const opened = new Map<string, { readonly key: string; readonly client: CodeHost }>();
  return {
    async open(name, { readSecret, clock, logger }) {
      const host = hosts.find((each) => each.name === name);
      const reference = host && findKey(host.options);
      if (host === undefined || reference === undefined) return undefined;
      const key = await readSecret(reference);
      const known = opened.get(name);
      // A replaced key is used immediately.
      if (known?.key === key) return known.client;
      const client = createClient(host, key, { fetch, now: () => clock.now(), warn: createWarner(name, logger) });
      if (client !== undefined) opened.set(name, { key, client });
      return client;
    },
  };
}

/** Warns once of the same rows: lists are read again and again. */
function createWarner(host: string, logger: OpenDeps["logger"]): WarnOfRows {
  const warned = new RecentMap<string, true>(MOST_WARNED);
  return (list, ids) => {
    const text = `${list} ${ids.join()}`;
    if (warned.has(text)) return;
    warned.set(text, true);
    const numbers = ids.map((id) => id ?? "without a number");
    logger?.warn("Rows in a list of the host cannot be read, and are left out.", { host, list, numbers });
  };
}

function createClient(
  host: NamedHost,
  key: string,
  ports: HostPorts & { readonly now: () => number; readonly warn: WarnOfRows },
): CodeHost | undefined {
  const { name, options } = host;
  if (options.type === "standard") return undefined;
  const { url } = options;
  if (options.type === "gitlab") {
    return createGitLab({ ...ports, token: key, url, hookPath: `/hooks/${name}`, readsAll: isPolledOnly(host) });
  }
  if ("token" in options) return createGitHub({ ...ports, token: key, url });
  const { appId } = options;
  if (appId === undefined) return undefined;
  checkPem(name, key);
  return createGitHub({ ...ports, appId, privateKey: key, url });
}

/** Throws `CONFIG_INVALID` for a key that is not PEM; the signing library only reports an invalid character. */
function checkPem(name: string, key: string): void {
  try {
    createPrivateKey(key);
  } catch (cause) {
    const advice = "Use the file that GitHub gave for the App; it begins with -----BEGIN.";
    throw new StackyardError("CONFIG_INVALID", `hosts.${name}.key is not a private key in PEM. ${advice}`, { cause });
  }
}
