import type { ServiceDeps } from "@stackyard/core";
import type { CodeHost } from "./code-host.ts";
import { createGitHub } from "./github/create-github.ts";
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
      if (options?.type !== "github" || options.appId === undefined || options.key === undefined) return undefined;
      const key = await readSecret(options.key);
      const known = opened.get(name);
      // A key that was replaced counts at once.
      if (known?.key === key) return known.client;
      const { appId, url } = options;
      const client = createGitHub({ appId, privateKey: key, url, now: () => clock.now() });
      opened.set(name, { key, client });
      return client;
    },
  };
}
