import { findRecentlyUsed } from "./recently-used.ts";
import type { CheckedTarget } from "./target-identity.ts";

type Constructor<Client> = new (config: never) => Client;

/** Clients by constructor and target. */
export interface ClientCache {
  find<Client>(clientClass: Constructor<Client>, target: CheckedTarget | undefined, make: () => Client): Client;
}

/** Targets come out of tasks: the least recently used client goes, and its idle connections with it. */
const MAX_CLIENTS = 500;

/** One client per service and target. */
export function createClientCache(maxClients = MAX_CLIENTS): ClientCache {
  const ids = new Map<unknown, number>();
  const clients = new Map<string, unknown>();

  function toKey(clientClass: unknown, target: CheckedTarget | undefined): string {
    const id = ids.get(clientClass) ?? ids.size;
    ids.set(clientClass, id);
    return JSON.stringify([id, target?.account, target?.region, target?.roleArn, target?.externalId]);
  }

  return {
    find(clientClass, target, make) {
      // The one that goes is not destroyed: somebody may be waiting for its answer.
      const client = findRecentlyUsed(clients, toKey(clientClass, target), { max: maxClients, make });
      // Only what `make` of the same constructor gave is kept under the key.
      return client as ReturnType<typeof make>;
    },
  };
}
