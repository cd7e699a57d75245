import { type ServiceDeps, StackyardError } from "@stackyard/core";
import { type NamedHost, readWebhookSecrets } from "../delivery/receive.ts";
import { isPolledOnly } from "../host-options.ts";
import { noticeUnknownHosts } from "../poll/take-over-host.ts";
import { checkMappings, formatFaults } from "./load-mappings.ts";

/** Previews of hosts that are not configured are searched so often. */
const UNKNOWN_MS = 1_800_000;

/** The configuration to check. */
interface ConfigChecksInput {
  readonly hosts: readonly NamedHost[];
  /** The folder of mapping documents. */
  readonly folder: string;
}

/** Creates the checks of hosts and documents that a yard repeats: what is wrong is shown before it is needed. */
export function createConfigChecks({ hosts, folder }: ConfigChecksInput) {
  let unknownAt = 0;

  /** Checks the webhook secrets. The receiver does not report missing ones to strangers; `stackyard doctor` does. */
  function checkSecrets(deps: ServiceDeps): readonly Promise<unknown>[] {
    return hosts.filter((each) => !isPolledOnly(each)).map((host) => readWebhookSecrets(host, deps));
  }

  /** Compares the events of the documents with the machines: an event that is refused is noticed before it is needed. */
  async function checkDocuments({ locator }: ServiceDeps): Promise<void> {
    const [fault] = (await checkMappings(folder, locator)).flatMap(formatFaults);
    if (fault !== undefined) throw new StackyardError("CONFIG_INVALID", fault);
  }

  return {
    /** Returns the errors of secrets and documents. */
    async listErrors(deps: ServiceDeps): Promise<readonly unknown[]> {
      const checked = await Promise.allSettled([...checkSecrets(deps), checkDocuments(deps)]);
      return checked.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
    },
    /** Lists previews of hosts that are not configured. */
    async noticeUnknown(deps: ServiceDeps): Promise<void> {
      if (deps.clock.now() < unknownAt) return;
      unknownAt = deps.clock.now() + UNKNOWN_MS;
      await noticeUnknownHosts(deps, new Set(hosts.map(({ name }) => name)));
    },
  };
}
