import type { Store } from "@stackyard/core";
import { type Change, type CommitResult, type LoadedStack, parseStored, toEventKey } from "@stackyard/core/engine";
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
  text: `select kind, version, known
  from stackyard.commit_changes($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
};

interface CommitRow {
  readonly kind: "committed" | "conflict" | "duplicate";
  readonly version: number;
  readonly known: readonly string[] | null;
}

/** Writes the changes of several calls, of different stacks. Gives the results of each call. */
export async function commitAll(
  database: Database,
  calls: readonly (readonly Change[])[],
  options: Parameters<typeof toCommitParameters>[1],
): Promise<readonly (readonly CommitResult[])[]> {
  const rows = await database.rows<CommitRow>(COMMIT, ...toCommitParameters(calls.flat(), options));
  let next = 0;
  return calls.map((changes) => {
    const own = rows.slice(next, next + changes.length);
    next += changes.length;
    return own.map((row, index) => toResult(row, changes[index]));
  });
}

function toResult({ kind, version, known }: CommitRow, change: Change | undefined): CommitResult {
  if (kind === "committed") return { kind, version };
  if (kind === "conflict" || change === undefined) return { kind: "conflict" };
  const given = [...change.appliedIds, ...[...change.park, ...change.setAside].map(({ event }) => toEventKey(event))];
  const keys = new Set(known ?? []);
  return { kind, eventIds: given.filter((id) => keys.has(toComparedText(id))) };
}
