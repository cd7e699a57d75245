import type { Store } from "@stackyard/core";
import {
  type Change,
  type CommitResult,
  type Grant,
  type LoadedStack,
  parseStored,
  toEventKey,
} from "@stackyard/core/engine";
import type { Database } from "./database.ts";
import type { GroupedCalls } from "./grouped-calls.ts";
import { toComparedText, toKeyText } from "./key-text.ts";
import { parseStackRow, STACK_COLUMNS, type StackRow } from "./stack-data.ts";
import { toCommitParameters } from "./to-commit-parameters.ts";

/** Loads and commits stacks. Commits that wait at the same time share one call of the server. */
export function createStackStore(
  database: Database,
  commits: GroupedCalls<readonly Change[], readonly CommitResult[]>,
): Pick<Store, "load" | "commit"> {
  return {
    load: (ids) => loadStacks(database, ids),
    async commit(changes) {
      database.assertOpen();
      return changes.length === 0 ? [] : commits.call(changes);
    },
  };
}

const LOAD = {
  name: "load_stacks",
  text: `
select ${STACK_COLUMNS},
       (select array_agg(p.body order by p.parked_at, p.parked_no) from stackyard.parked p where p.stack_id = i.id) as parked
  from unnest($1::text[]) with ordinality as i(id, n)
  left join stackyard.stacks s on s.id = i.id and s.id = any($1)
 order by i.n`,
};

type LoadRow = (StackRow | { readonly id: null }) & { readonly parked: readonly string[] | null };

async function loadStacks(database: Database, ids: readonly string[]): Promise<readonly LoadedStack[]> {
  const rows = await database.rows<LoadRow>(LOAD, ids.map(toKeyText));
  return ids.map((stackId, index) => toLoaded(stackId, rows[index]));
}

function toLoaded(stackId: string, row: LoadRow | undefined): LoadedStack {
  const parked = (row?.parked ?? []).map((body) =>
    parseStored.parked(body, `parked event of the stack ${JSON.stringify(stackId)}`),
  );
  if (row === undefined || row.id === null) return { stackId, version: 0, parked };
  return { stackId, version: row.version, stack: parseStackRow({ ...row, id: stackId }), parked };
}

const COMMIT = {
  name: "commit_changes",
  isLong: true as const,
  text: `select kind, version, known, claimed, passed
  from stackyard.commit_changes($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
};

interface CommitRow {
  readonly kind: CommitResult["kind"];
  readonly version: number;
  /** Keys of events that were applied before, or attempts whose grants no longer hold. */
  readonly known: readonly string[] | null;
  /** Attempts of all changes that began as granted. */
  readonly claimed: readonly string[] | null;
  readonly passed: boolean;
}

/** What a group of commits has done. `passedKeys`: the message of an attempt that waited for a key may be there. */
export interface CommittedGroup {
  readonly results: readonly (readonly CommitResult[])[];
  readonly passedKeys: boolean;
}

/** Writes the changes of several calls, of different stacks. Gives the results of each call. */
export async function commitAll(
  database: Database,
  calls: readonly (readonly Change[])[],
  options: Parameters<typeof toCommitParameters>[1],
): Promise<CommittedGroup> {
  const rows = await database.rows<CommitRow>(COMMIT, ...toCommitParameters(calls.flat(), options));
  let next = 0;
  const results = calls.map((changes) => {
    const own = rows.slice(next, next + changes.length);
    next += changes.length;
    return changes.map((change, index) => toResult(own[index], change));
  });
  return { results, passedKeys: rows.some(({ passed }) => passed) };
}

function toResult(row: CommitRow | undefined, change: Change): CommitResult {
  if (row === undefined) return { kind: "conflict" };
  const { kind, version, known, claimed } = row;
  const keys = new Set(known ?? []);
  switch (kind) {
    case "committed":
      return { kind, version, ...toGrants(change, new Set(claimed ?? [])) };
    case "duplicate": {
      const { appliedIds, park, setAside } = change;
      const given = [...appliedIds, ...[...park, ...setAside].map(({ event }) => toEventKey(event))];
      return { kind, eventIds: given.filter((id) => keys.has(toComparedText(id))) };
    }
    case "lost": {
      const given = (change.results ?? []).map(({ grant }) => grant.attemptId);
      return { kind, attemptIds: given.filter((id) => keys.has(toComparedText(id))) };
    }
    default:
      return { kind };
  }
}

/** The first grant of an attempt has the token 1. */
function toGrants({ claims = [] }: Change, claimed: ReadonlySet<string>): { readonly grants?: readonly Grant[] } {
  if (claims.length === 0) return {};
  const granted = claims.filter(({ attemptId }) => claimed.has(toComparedText(attemptId)));
  return { grants: granted.map(({ attemptId, owner }) => ({ attemptId, owner, token: 1 })) };
}
