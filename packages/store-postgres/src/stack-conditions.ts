import {
  checkStackFilter,
  matchesRecord,
  type StackCondition,
  type StackFilter,
  type StackScope,
  TROUBLE,
  toRecordFilter,
  toRecordTexts,
} from "@stackyard/core/engine";
import type { Parameter } from "./database.ts";
import { toKeyText } from "./key-text.ts";
import { REVISION, readStackRow, type StackRow } from "./stack-data.ts";

export const HAS_PARKED = "exists (select from stackyard.parked p where p.stack_id = s.id)";
export const CONDITIONS: Readonly<Record<StackCondition, string>> = {
  busy: "s.busy",
  failed: `s.trouble & ${TROUBLE.failed} <> 0`,
  stalled: `s.trouble & ${TROUBLE.stalled} <> 0`,
  overdue: `s.trouble & ${TROUBLE.overdue} <> 0`,
  approval: `s.trouble & ${TROUBLE.approval} <> 0`,
  waiting: `(s.busy or s.trouble is not null or ${HAS_PARKED})`,
};

/**
 * The conditions of a filter apart from the range of ids, as part of a statement. `names` distinguish the statements.
 */
export interface Conditions {
  readonly names: readonly string[];
  readonly conditions: readonly string[];
  readonly values: readonly Parameter[];
  /** The ids are given, so that no search through all of them is needed. */
  readonly hasIds: boolean;
}

/** Returns the conditions of a filter. `taken`: the number of earlier parameters in the statement. */
export function toConditions(filter: StackFilter, taken: number): Conditions {
  checkStackFilter(filter);
  const { machine, state, text, condition, revision, ids, scopes } = filter;
  const names: string[] = [];
  const conditions: string[] = [];
  const values: Parameter[] = [];
  const put = (value: Parameter) => `$${taken + values.push(value)}`;
  const add = (name: string, value: string | undefined, toSql: (parameter: string) => string) => {
    if (value === undefined) return;
    names.push(name);
    conditions.push(toSql(put(toKeyText(value))));
  };
  add("m", machine, (parameter) => `s.machine = ${parameter}`);
  add("s", state, (parameter) => `s.state = ${parameter}`);
  add("r", revision, (parameter) => `${REVISION} = ${parameter}`);
  add("t", text, (parameter) => `strpos(s.id, ${parameter}) > 0`);
  if (condition !== undefined) {
    names.push(condition);
    conditions.push(CONDITIONS[condition]);
  }
  if (ids !== undefined) {
    names.push("ids");
    conditions.push(`s.id = any(${put(ids.map(toKeyText))}::text[])`);
  }
  const parts = scopes && joinScopes(scopes);
  if (parts !== undefined) {
    names.push(
      "in",
      ...parts.flatMap((part) =>
        part.machines && part.idPrefixes ? [] : Object.keys(part).map((key) => key.slice(0, 1)),
      ),
      `${parts.length}`,
    );
    conditions.push(parts.length === 0 ? "false" : `(${parts.map((part) => toScopeText(part, put)).join(" or ")})`);
  }
  if (filter.task !== undefined || filter.code !== undefined) {
    names.push("e");
    conditions.push(CONDITIONS.failed);
  }
  for (const each of toRecordTexts(filter)) {
    names.push("d");
    conditions.push(`(s.foreign_write or strpos(s.data, ${put(each)}) > 0)`);
  }
  return { names, conditions, values, hasIds: ids !== undefined };
}

/**
 * Returns the same stacks in few parts: all scopes with only machines are one part, and so are those with only ids.
 * Undefined when one scope has no limit.
 */
function joinScopes(scopes: readonly StackScope[]): readonly StackScope[] | undefined {
  if (scopes.some(({ machines, idPrefixes }) => machines === undefined && idPrefixes === undefined)) return undefined;
  const machines = scopes.flatMap((scope) => (scope.idPrefixes === undefined ? (scope.machines ?? []) : []));
  const idPrefixes = scopes.flatMap((scope) => (scope.machines === undefined ? (scope.idPrefixes ?? []) : []));
  const both = scopes.filter((scope) => scope.machines !== undefined && scope.idPrefixes !== undefined);
  return [...(machines.length > 0 ? [{ machines }] : []), ...(idPrefixes.length > 0 ? [{ idPrefixes }] : []), ...both];
}

function toScopeText({ machines, idPrefixes }: StackScope, put: (value: Parameter) => string): string {
  const parts = [
    machines && `s.machine = any(${put(machines.map(toKeyText))}::text[])`,
    idPrefixes && `s.id ^@ any(${put(idPrefixes.map(toKeyText))}::text[])`,
  ];
  return `(${parts.filter((part) => part !== undefined).join(" and ")})`;
}

/** Evaluates what the database could not. An unreadable row matches, so that a list reports it. */
export function fitsRecord(row: StackRow, filter: StackFilter): boolean {
  const wanted = toRecordFilter(filter);
  if (wanted === undefined) return true;
  const read = readStackRow(row);
  return read.kind === "unreadable" || matchesRecord(wanted, read.stack);
}
