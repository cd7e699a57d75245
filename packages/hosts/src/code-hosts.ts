import type { SecretReference, ServiceDeps } from "@stackyard/core";
import type { CodeHost } from "./code-host.ts";
import { createGitHub } from "./github/create-github.ts";
import { createGitLab } from "./gitlab/create-gitlab.ts";
import type { HostOptions } from "./host-options.ts";
import type { NamedHost } from "./receive.ts";

/** The clients of the hosts, by name. */
export interface CodeHosts {
  /** Undefined: the options of the host do not allow look-ups. */
  open(name: string, deps: Pick<ServiceDeps, "clock" | "readSecret">): Promise<CodeHost | undefined>;
}

/** Creates them as they are needed. */
export function createCodeHosts(hosts: readonly NamedHost[]): CodeHosts {
  const opened = new Map<string, { readonly key: string; readonly client: CodeHost }>();
  return {
    async open(name, { readSecret, clock }) {
      const options = hosts.find((host) => host.name === name)?.options;
      const reference = options === undefined ? undefined : findKey(options);
      if (options === undefined || reference === undefined) return undefined;
      const key = await readSecret(reference);
      const known = opened.get(name);
      // A key that was replaced counts at once.
      if (known?.key === key) return known.client;
      const client = createClient(options, key, () => clock.now());
      if (client !== undefined) opened.set(name, { key, client });
      return client;
    },
  };
}

/** Returns what opens the API of a host. */
export function findKey(options: HostOptions): SecretReference | undefined {
  if (options.type === "standard") return undefined;
  if (options.type === "gitlab" || "token" in options) return options.token;
  return "appId" in options ? options.key : undefined;
}

function createClient(options: HostOptions, key: string, now: () => number): CodeHost | undefined {
  if (options.type === "standard") return undefined;
  const { url } = options;
  if (options.type === "gitlab") return createGitLab({ token: key, url, now });
  if ("token" in options) return createGitHub({ token: key, url, now });
  const { appId } = options;
  return appId === undefined ? undefined : createGitHub({ appId, privateKey: key, url, now });
}
