import type { HaltOrder } from "../halt/decide-halt.ts";
import type { HaltAnswer, ReleaseLocks, ReleaseMemory } from "../release-deps.ts";

/** What a deployer remembers, in maps that a test fills and looks at. All but the halts are by release id. */
export interface TestMemory extends ReleaseMemory {
  readonly documents: Map<string, unknown>;
  readonly userData: Map<string, string>;
  /** Of every release. */
  readonly halts: HaltOrder[];
  readonly answers: HaltAnswer[];
}

/** One that is empty, and whose locks nobody else wants. */
export function createTestMemory(): TestMemory {
  const documents = new Map<string, unknown>();
  const userData = new Map<string, string>();
  const halts: HaltOrder[] = [];
  const answers: HaltAnswer[] = [];
  return {
    isSecondChannel: true,
    documents,
    userData,
    halts,
    answers,
    locks: createFreeLocks(),
    loadDocument: async ({ release_id }) => documents.get(release_id),
    loadUserData: async ({ release_id }) => userData.get(release_id),
    async storeDocument({ release_id }, stored) {
      if (!documents.has(release_id)) documents.set(release_id, stored.document);
      if (stored.userData !== undefined && !userData.has(release_id)) userData.set(release_id, stored.userData);
    },
    listHalts: async () => halts,
    async orderHalt(_, { message, by }) {
      halts.push({ kind: "release", message, at: 0, ...(by !== undefined && { by }) });
    },
    async clearHalts(_, answer = { outcome: "obeyed" }) {
      halts.length = 0;
      answers.push(answer);
    },
  };
}

function createFreeLocks(): ReleaseLocks {
  let owner: string | undefined;
  let token = 0;
  return {
    async acquire(_, by) {
      if (owner !== undefined && owner !== by) return { kind: "held", what: "root", by: owner, message: "Held." };
      if (owner === undefined) token += 1;
      owner = by;
      return { kind: "acquired", fencingToken: token };
    },
    renew: async (_, by) => (owner === by ? "held" : "lost"),
    async release(_, by) {
      if (owner === by) owner = undefined;
    },
    async keep() {
      // Nobody else wants them.
    },
  };
}
