import { defined } from "@stackyard/core";
import type { StackFilter, StackPreview, StackSummary } from "@stackyard/sdk";
import type { ReactNode } from "react";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { sumOf, useMainConditions } from "../api/use-main-conditions.ts";
import { usePages } from "../api/use-pages.ts";
import { CONDITIONS, Mark } from "../design/mark.tsx";
import { Text } from "../design/text.tsx";
import { groupByValue } from "./group-choice.ts";

/** A filter of the list, without what only its rows need. */
export type ListFilter = Omit<StackFilter, "waiting">;

/** Stacks that have something in common. */
export interface StackGroup {
  readonly key: string;
  readonly title: ReactNode;
  /** Such as `12`, or `12 of those read`. */
  readonly count: string;
  /** The filter by which the server lists it; or the stacks themselves, which the server cannot list alone. */
  readonly of: { readonly filter: ListFilter } | { readonly stacks: readonly StackSummary[] };
}

/** The groups of a list. */
export interface StackGroups {
  readonly groups: readonly StackGroup[] | undefined;
  readonly error: unknown;
  readonly refetch: () => void;
  /** A note on what the groups do not contain. */
  readonly note?: string | undefined;
  readonly more?: (() => void) | undefined;
}

/** Groups by main condition, worst first. Their counts are those of all stacks. */
export function useConditionGroups(filter: ListFilter): StackGroups {
  const { query, counts } = useMainConditions(filter);
  const found = counts && CONDITIONS.map((condition) => ({ condition, count: sumOf(counts, condition) }));
  return {
    ...toState(query),
    groups: found
      ?.filter(({ count }) => count > 0)
      .map(({ condition, count }) => ({
        key: condition,
        title: <Mark status={condition} />,
        count: count.toLocaleString("en"),
        of: { filter: { ...filter, mainCondition: condition } },
      })),
  };
}

/** Groups by machine, the largest first. */
export function useMachineGroups(filter: ListFilter): StackGroups {
  const query = useLoad(
    keys.count("by-machine", { filter }),
    ({ signal }) => yard.stacks.counts(filter, { by: "machine", signal }),
    { placeholderData: (before) => before },
  );
  const groups = query.data?.groups;
  const moreGroups = query.data?.moreGroups;
  return {
    ...toState(query),
    groups: groups?.map(({ machine = "", count }) => ({
      key: machine,
      title: <Text>{machine}</Text>,
      count: count.toLocaleString("en"),
      of: { filter: { ...filter, machine } },
    })),
    note:
      moreGroups !== undefined && moreGroups > 0
        ? `${moreGroups} more machines are not shown. Filter to see them.`
        : undefined,
  };
}

const PAGE_SIZE = 100;
/** Pages that are read for the values of a key: the server does not count them. */
const MOST_PAGES = 10;

/** Groups by the values of a key that the first stacks of the list have. Each value lists all of its stacks. */
export function useValueGroups(filter: ListFilter, key: string): StackGroups {
  const query = useLoad(keys.other("stack-values", { filter, key }), ({ signal }) => readStacks(filter, signal), {
    refetchInterval: 30_000,
  });
  if (query.data === undefined) return { ...toState(query), groups: undefined };
  const { stacks, isWhole } = query.data;
  const { values, without } = groupByValue(key, stacks);
  const toCount = (count: number) => (isWhole ? count.toLocaleString("en") : `${count} of those read`);
  const groups = values.map(
    ({ value, count }): StackGroup => ({
      key: JSON.stringify(value),
      title: <Text>{String(value)}</Text>,
      count: toCount(count),
      of: { filter: { ...filter, metadata: { ...filter.metadata, [key]: value } } },
    }),
  );
  const rest: StackGroup = {
    key: "without",
    title: (
      <span className="muted">
        without <Text>{key}</Text>
      </span>
    ),
    count: toCount(without.length),
    of: { stacks: without },
  };
  const read = stacks.length.toLocaleString("en");
  return {
    ...toState(query),
    groups: without.length > 0 ? [...groups, rest] : groups,
    note: isWhole
      ? undefined
      : `The values are those of the first ${read} stacks. A group lists all stacks with its value; filter to find other values.`,
  };
}

async function readStacks(filter: ListFilter, signal: AbortSignal) {
  const stacks: StackSummary[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const part = { limit: PAGE_SIZE, signal, ...(cursor !== undefined && { cursor }) };
    const answer = await yard.stacks.list({ condition: "any", ...filter, waiting: true }, part);
    stacks.push(...answer.items);
    cursor = answer.cursor;
    if (cursor === undefined) break;
  }
  return { stacks, isWhole: cursor === undefined };
}

/** Groups by pull request, for the stacks that have one. */
export function usePullGroups(filter: ListFilter): StackGroups {
  const list = usePages(
    keys.list("stacks-of-pulls", { filter }),
    async (part) => {
      const { items, cursor } = await yard.previews.list({
        ...part,
        ...defined({ machine: filter.machine, state: filter.state }),
      });
      const stackIds = items.map(({ stackId }) => stackId);
      const { items: stacks } = stackIds.length === 0 ? { items: [] } : await listByIds(filter, stackIds, part.signal);
      const byId = new Map(stacks.map((stack) => [stack.id, stack]));
      const found = items.flatMap((preview) => {
        const stack = byId.get(preview.stackId);
        return stack === undefined ? [] : [{ preview, stack }];
      });
      return { items: found, ...(cursor !== undefined && { cursor }) };
    },
    PAGE_SIZE,
  );
  return {
    groups: list.items && toPullGroups(list.items),
    error: list.items === undefined ? list.error : null,
    refetch: list.refetch,
    note: "Only stacks of pull requests are listed here.",
    more: list.loadMore,
  };
}

function listByIds(filter: ListFilter, ids: readonly string[], signal: AbortSignal) {
  return yard.stacks.list({ condition: "any", ...filter, ids, waiting: true }, { limit: PAGE_SIZE, signal });
}

interface PreviewOfStack {
  readonly preview: StackPreview;
  readonly stack: StackSummary;
}

function toPullGroups(found: readonly PreviewOfStack[]): readonly StackGroup[] {
  const groups = new Map<string, { readonly pull: StackPreview["pull"]; readonly stacks: StackSummary[] }>();
  for (const {
    preview: { pull },
    stack,
  } of found) {
    const key = `${pull.host} ${pull.repository.id} ${pull.number}`;
    const group = groups.get(key) ?? { pull, stacks: [] };
    group.stacks.push(stack);
    groups.set(key, group);
  }
  return [...groups]
    .sort(([, a], [, b]) => b.pull.number - a.pull.number)
    .map(([key, { pull, stacks }]) => ({
      key,
      title: <Text>{`${pull.repository.fullName} #${pull.number} ${pull.title ?? ""}`.trimEnd()}</Text>,
      count: stacks.length.toLocaleString("en"),
      of: { stacks },
    }));
}

interface Query {
  readonly error: unknown;
  readonly data?: unknown;
  readonly refetch: () => unknown;
}

function toState({ error, data, refetch }: Query): Pick<StackGroups, "error" | "refetch"> {
  return { error: data === undefined ? error : null, refetch: () => void refetch() };
}
