import { randomUUID } from "node:crypto";
import { createDefinitionCache, type DefinitionCache } from "../definition-cache.ts";
import { createTextCipher } from "./text-cipher.ts";
import type { EcsTaskDeps } from "./turn.ts";
import { createWorkStore, type WorkStore } from "./work-store.ts";

/** What all invocations of one process share. */
export interface EcsTaskApp {
  readonly deps: EcsTaskDeps;
  readonly definitions: DefinitionCache;
  /** Opened with the first request; tried again while that fails. */
  store(): Promise<WorkStore>;
  /** A name for one invocation. */
  newOwner(): string;
}

/** Makes it; nothing is called yet. */
export function createEcsTaskApp(deps: EcsTaskDeps): EcsTaskApp {
  let opened: Promise<WorkStore> | undefined;
  const open = async () => createWorkStore({ ...deps, cipher: createTextCipher(await deps.secret()) });
  return {
    deps,
    definitions: createDefinitionCache(),
    newOwner: randomUUID,
    store() {
      opened ??= open().catch((error: unknown) => {
        opened = undefined;
        throw error;
      });
      return opened;
    },
  };
}
