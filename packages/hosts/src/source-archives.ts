import { type ProvidedService, type ProvidingContext, StackyardError } from "@stackyard/core";
import { provideSourceArchives } from "@stackyard/core/services";
import { createCodeHosts } from "./code-hosts.ts";
import type { HostsOptions } from "./host-options.ts";

/** Lets executors read the files of repositories at hosts with a suitable App. */
export function provideArchives({ hosts = {} }: HostsOptions, context: ProvidingContext): readonly ProvidedService[] {
  const codeHosts = createCodeHosts(Object.entries(hosts).map(([name, options]) => ({ name, options })));
  const provided = provideSourceArchives({
    async open({ host, repository, commit }, signal) {
      const codeHost = await codeHosts.open(host, context);
      if (codeHost !== undefined) return codeHost.openArchive(repository, commit, signal);
      const known = Object.hasOwn(hosts, host)
        ? "needs appId and key, or a token"
        : "is not in the options of the plugin hosts";
      throw new StackyardError("CONFIG_INVALID", `The code host "${host}" ${known}.`);
    },
  });
  return [provided];
}
